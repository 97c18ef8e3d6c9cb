import { ProtocolError } from './holdfast-error.ts';
import type { TableShape } from './table-shape.ts';

/**
 * FlatBuffers for TypeScript neither verifies nor throws out of bounds, so every buffer from outside passes
 * here before a byte of it is read as something. Afterwards, for every field that the shape names:
 *
 * - its table, vtable, vector, string and the elements lie inside the buffer;
 * - required fields are there, and strings end with a zero byte;
 * - tables, vectors and strings together are not larger than the buffer. Parts that overlap would let a small
 *   buffer stand for gigabytes of work; an honest writer shares vtables only, which do not count.
 *
 * Nothing is allocated. Depth is that of the shape, which has no cycles.
 *
 * @returns the position of the root table.
 * @throws ProtocolError `malformed`.
 */
export function verifyTable(view: DataView, shape: TableShape): number {
  if (view.byteLength < 8) fail(shape, 'shorter than any table');
  const root = view.getUint32(0, true);
  verifyOne(view, shape, root, view.byteLength);
  return root;
}

/** Checks one table and what it points at; gives what is left of `budget`, in bytes. */
function verifyOne(view: DataView, shape: TableShape, table: number, budget: number): number {
  const end = view.byteLength;
  if (table > end - 4) fail(shape, 'table outside');
  const vtable = table - view.getInt32(table, true);
  if (vtable < 0 || vtable > end - 4) fail(shape, 'vtable outside');
  const vtableBytes = view.getUint16(vtable, true);
  const tableBytes = view.getUint16(vtable + 2, true);
  if (vtableBytes < 4 || (vtableBytes & 1) !== 0 || vtable + vtableBytes > end) fail(shape, 'vtable size');
  if (tableBytes < 4 || table + tableBytes > end) fail(shape, 'table size');
  let left = spend(shape, budget, tableBytes);

  const { fields } = shape;
  for (let slot = 0; slot < fields.length; slot++) {
    const field = fields[slot];
    const entry = 4 + 2 * slot;
    const offset = entry < vtableBytes ? view.getUint16(vtable + entry, true) : 0;
    if (offset === 0) {
      if (field.required) fail(shape, `${field.name} missing`);
      continue;
    }
    const inlineBytes = field.kind === 'scalar' ? field.bytes : 4;
    if (offset < 4 || offset + inlineBytes > tableBytes) fail(shape, `${field.name} outside its table`);
    if (field.kind === 'scalar') continue;

    const vector = table + offset + view.getUint32(table + offset, true);
    if (vector > end - 4) fail(shape, `${field.name} outside`);
    const count = view.getUint32(vector, true);
    const bytes = 4 + count * field.bytes + (field.kind === 'text' ? 1 : 0);
    if (vector + bytes > end) fail(shape, `${field.name} longer than the buffer`);
    left = spend(shape, left, bytes);
    if (field.kind === 'text' && view.getUint8(vector + bytes - 1) !== 0)
      fail(shape, `${field.name} without end`);
    if (field.kind === 'tables' && field.table !== undefined) {
      for (let i = 0; i < count; i++) {
        const at = vector + 4 + 4 * i;
        left = verifyOne(view, field.table, at + view.getUint32(at, true), left);
      }
    }
  }
  return left;
}

function spend(shape: TableShape, budget: number, bytes: number): number {
  if (bytes > budget) fail(shape, 'parts overlap');
  return budget - bytes;
}

function fail(shape: TableShape, detail: string): never {
  throw new ProtocolError('malformed', `${shape.name}: ${detail}`);
}

/** Position of a field of a verified table, 0 when it is absent. */
export function fieldAt(view: DataView, table: number, slot: number): number {
  const vtable = table - view.getInt32(table, true);
  const entry = 4 + 2 * slot;
  if (entry >= view.getUint16(vtable, true)) return 0;
  const offset = view.getUint16(vtable + entry, true);
  return offset === 0 ? 0 : table + offset;
}

/** Position of the length of a vector of a verified table; its elements follow after 4 bytes. */
export function vectorAt(view: DataView, table: number, slot: number): number {
  const at = fieldAt(view, table, slot);
  return at + view.getUint32(at, true);
}

/** A scalar of at most 32 bits, 0 when absent. */
export function scalarU32(view: DataView, table: number, slot: number): number {
  const at = fieldAt(view, table, slot);
  return at === 0 ? 0 : view.getUint32(at, true);
}

export function scalarU16(view: DataView, table: number, slot: number): number {
  const at = fieldAt(view, table, slot);
  return at === 0 ? 0 : view.getUint16(at, true);
}

export function scalarU8(view: DataView, table: number, slot: number): number {
  const at = fieldAt(view, table, slot);
  return at === 0 ? 0 : view.getUint8(at);
}

/** @throws ProtocolError `malformed` for 2^53 and more. */
export function scalarU53(view: DataView, table: number, slot: number): number {
  const at = fieldAt(view, table, slot);
  if (at === 0) return 0;
  const high = view.getUint32(at + 4, true);
  if (high >= 2 ** 21) throw new ProtocolError('malformed', 'integer of 2^53 or more');
  return high * 2 ** 32 + view.getUint32(at, true);
}
