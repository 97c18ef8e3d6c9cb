/** Below this a plain loop is faster than making a view and calling `set`. */
const LOOP_BYTES_MAX = 64;

/** Copies `source[start .. end)` to `target[offset ..)`. */
export function copyInto(
  target: Uint8Array,
  offset: number,
  source: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start > LOOP_BYTES_MAX) {
    target.set(source.subarray(start, end), offset);
    return;
  }
  for (let i = start, j = offset; i < end; i++, j++) target[j] = source[i]!;
}
