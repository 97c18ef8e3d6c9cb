import type { GrowableBytes } from './growable-bytes.ts';
import type { TableShape } from './table-shape.ts';

/**
 * The unchanging start of a columnar message: root offset, vtable and table with every field present.
 * A FlatBuffer may be written front to back as long as offsets point forward, so a batch is: copy the template,
 * set scalars, append the vectors. Alignment is what FlatBuffers asks for, relative to the start of the buffer.
 *
 * ```
 *  0      4              4+2*(2+n)    pad to 8k+4
 *  +------+---------------+-----------+---------+----------------------------+----------
 *  | root | vtable        | 0 .. 0    | soffset | fields: 8, 4, 2, 1 bytes   | vectors
 *  +------+---------------+-----------+---------+----------------------------+----------
 * ```
 */
export class TableTemplate {
  readonly #prefix: Uint8Array;
  readonly #positions: readonly number[];

  constructor(shape: TableShape) {
    const vtableBytes = 4 + 2 * shape.fields.length;
    const table = align(4 + vtableBytes - 4, 8) + 4;
    const positions = new Array<number>(shape.fields.length).fill(0);
    let end = table + 4;
    for (const bytes of [8, 4, 2, 1]) {
      shape.fields.forEach((field, slot) => {
        if ((field.kind === 'scalar' ? field.bytes : 4) !== bytes) return;
        positions[slot] = end;
        end += bytes;
      });
    }
    const prefix = new Uint8Array(end);
    const view = new DataView(prefix.buffer);
    view.setUint32(0, table, true);
    view.setUint16(4, vtableBytes, true);
    view.setUint16(6, end - table, true);
    positions.forEach((position, slot) => view.setUint16(8 + 2 * slot, position - table, true));
    view.setInt32(table, table - 4, true);
    this.#prefix = prefix;
    this.#positions = positions;
  }

  /** Bytes before the first vector. */
  get bytes(): number {
    return this.#prefix.length;
  }

  /** Position of a field, relative to the start of the buffer. */
  position(slot: number): number {
    return this.#positions[slot];
  }

  /** Writes the template at `base`. The target is zero where nothing is written. */
  write(target: Uint8Array, base: number): void {
    target.set(this.#prefix, base);
  }
}

/** Where a vector's length stands when `end` bytes are taken and its elements are aligned to `alignment`. */
export function vectorStart(end: number, alignment: 4 | 8): number {
  return align(end + 4, alignment) - 4;
}

/**
 * Writes a vector whose length stands at `base + at`, and lets the field at `base + field` point at it.
 * @returns the end of the vector, relative to `base`.
 */
export function writeVector(
  target: Uint8Array,
  view: DataView,
  base: number,
  field: number,
  at: number,
  count: number,
  content: GrowableBytes,
): number {
  writeVectorHead(view, base, field, at, count);
  target.set(content.bytes.subarray(0, content.length), base + at + 4);
  return at + 4 + content.length;
}

/** The same without the elements: the caller writes `count` of them behind `base + at + 4`. */
export function writeVectorHead(
  view: DataView,
  base: number,
  field: number,
  at: number,
  count: number,
): void {
  view.setUint32(base + field, at - field, true);
  view.setUint32(base + at, count, true);
}

function align(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
