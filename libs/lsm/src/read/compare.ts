/** Order of `a[aStart .. aEnd)` and `b[bStart .. bEnd)`: unsigned bytes, a prefix first. */
export function compareRanges(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const aLength = aEnd - aStart;
  const bLength = bEnd - bStart;
  const length = aLength < bLength ? aLength : bLength;
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!;
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

export function equalRanges(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): boolean {
  const length = aEnd - aStart;
  if (length !== bEnd - bStart) return false;
  // Backwards: neighbours in a sorted sequence differ at the end.
  for (let i = length - 1; i >= 0; i--) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** Four bytes from `position` as a big-endian number; bytes behind `end` count as zero. */
export function keyHead(bytes: Uint8Array, position: number, end: number): number {
  if (position + 4 <= end) {
    return (
      ((bytes[position]! << 24) |
        (bytes[position + 1]! << 16) |
        (bytes[position + 2]! << 8) |
        bytes[position + 3]!) >>>
      0
    );
  }
  let head = 0;
  for (let i = position; i < position + 4; i++) head = head * 256 + (i < end ? bytes[i]! : 0);
  return head;
}
