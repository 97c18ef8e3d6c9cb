/** Byte strings. Keys order by unsigned bytes, a prefix before its extensions (never by UTF-16). */

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** Negative, zero or positive as `a` sorts before, with or after `b`. A plain loop: fastest below 32 bytes. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = a.length < b.length ? a.length : b.length;
  for (let i = 0; i < length; i++) {
    const difference = a[i] - b[i];
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A fresh copy with memory of its own: the result pins neither a socket chunk nor a pooled buffer. */
export function copyBytes(source: Uint8Array): Uint8Array {
  const copy = new Uint8Array(source.length);
  copy.set(source);
  return copy;
}

/** Bytes of their own for one who keeps them: the view itself when little else is in its memory, a copy otherwise. */
export function retainBytes(view: Uint8Array): Uint8Array {
  return view.length * 4 >= view.buffer.byteLength * 3 ? view : copyBytes(view);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/**
 * The smallest key after every key that starts with `prefix`, or undefined when there is none
 * (the prefix is empty or all 0xff).
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return undefined;
  // Not `slice`: that of a Buffer is a view, and the caller's prefix would change.
  const end = new Uint8Array(prefix.subarray(0, length));
  end[length - 1] += 1;
  return end;
}

/** Writes an integer of at most 53 bits as 8 little-endian bytes. */
export function writeU53(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % 2 ** 32, true);
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
}

/** Reads 8 little-endian bytes; a value of 2^53 or more comes back as NaN, which every range check refuses. */
export function readU53(view: DataView, offset: number): number {
  const high = view.getUint32(offset + 4, true);
  return high >= 2 ** 21 ? Number.NaN : high * 2 ** 32 + view.getUint32(offset, true);
}

/** A DataView over exactly the bytes of `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// The same on bytes themselves, little-endian. A DataView costs more than a handful of fields, and a small array that was
// never asked for its buffer lives in the heap of the engine, which is several times cheaper.

export function loadU16(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

export function loadU32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** Writes the low 16 bits of an integer. */
export function storeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

/** Writes the low 32 bits of an integer. */
export function storeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** As {@link readU53}. */
export function loadU53(bytes: Uint8Array, at: number): number {
  const high = loadU32(bytes, at + 4);
  return high >= 2 ** 21 ? Number.NaN : high * 2 ** 32 + loadU32(bytes, at);
}

/** As {@link writeU53}. */
export function storeU53(bytes: Uint8Array, at: number, value: number): void {
  storeU32(bytes, at, value);
  storeU32(bytes, at + 4, Math.floor(value / 2 ** 32));
}
