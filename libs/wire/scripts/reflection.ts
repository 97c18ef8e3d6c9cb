/**
 * Reads a binary FlatBuffers schema (`flatc --schema --binary`, reflection.fbs) as plain data.
 * Build time only, and over our own schemas: nothing here verifies.
 */
export interface SchemaField {
  readonly name: string;
  readonly id: number;
  /** Structs: byte position. */
  readonly offset: number;
  readonly base: number;
  readonly element: number;
  /** Position of the object that the field or its elements are, -1 for none. */
  readonly object: number;
  readonly required: boolean;
}

export interface SchemaObject {
  readonly name: string;
  readonly isStruct: boolean;
  readonly bytes: number;
  /** Tables: by id. Structs: by position. */
  readonly fields: readonly SchemaField[];
}

/** `reflection.BaseType`. */
export const BaseType = { bool: 2, string: 13, vector: 14, object: 15 } as const;
/** Bytes of a scalar, by `reflection.BaseType`. */
export const SCALAR_BYTES: readonly number[] = [0, 1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8];

const utf8 = new TextDecoder();

export function readSchema(bfbs: Uint8Array): readonly SchemaObject[] {
  const view = new DataView(bfbs.buffer, bfbs.byteOffset, bfbs.byteLength);
  const follow = (at: number): number => at + view.getUint32(at, true);
  const slot = (table: number, id: number): number => {
    const vtable = table - view.getInt32(table, true);
    if (4 + 2 * id >= view.getUint16(vtable, true)) return 0;
    const offset = view.getUint16(vtable + 4 + 2 * id, true);
    return offset === 0 ? 0 : table + offset;
  };
  const text = (at: number): string => {
    const start = follow(at);
    return utf8.decode(bfbs.subarray(start + 4, start + 4 + view.getUint32(start, true)));
  };
  const tables = (at: number): number[] => {
    const start = follow(at);
    return Array.from({ length: view.getUint32(start, true) }, (_, i) => follow(start + 4 + 4 * i));
  };
  const u8 = (table: number, id: number): number =>
    slot(table, id) === 0 ? 0 : view.getUint8(slot(table, id));
  const i32 = (table: number, id: number, missing: number): number =>
    slot(table, id) === 0 ? missing : view.getInt32(slot(table, id), true);
  const u16 = (table: number, id: number): number =>
    slot(table, id) === 0 ? 0 : view.getUint16(slot(table, id), true);

  return tables(slot(follow(0), 0)).map((object) => {
    const isStruct = u8(object, 2) === 1;
    const fields = tables(slot(object, 1)).map((field): SchemaField => {
      const type = follow(slot(field, 1));
      return {
        name: text(slot(field, 0)),
        id: u16(field, 2),
        offset: u16(field, 3),
        base: u8(type, 0),
        element: u8(type, 1),
        object: i32(type, 2, -1),
        required: u8(field, 7) === 1,
      };
    });
    fields.sort((a, b) => a.id - b.id);
    return { name: text(slot(object, 0)).replace(/^.*\./, ''), isStruct, bytes: i32(object, 4, 0), fields };
  });
}
