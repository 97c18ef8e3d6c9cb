/** Cuts changes, in the order of `revisions`, into frames: never between two changes of one revision. */
export function* framesOf(
  changes: readonly Uint8Array[],
  revisions: readonly number[],
  upTo: number,
  frameBytesMax: number,
): Iterable<{ readonly changes: readonly Uint8Array[]; readonly upTo: number }> {
  let first = 0;
  let bytes = 0;
  for (let i = 0; i < changes.length; i++) {
    if (bytes >= frameBytesMax && revisions[i] !== revisions[i - 1]) {
      yield { changes: changes.slice(first, i), upTo: revisions[i - 1] };
      first = i;
      bytes = 0;
    }
    bytes += changes[i].length;
  }
  yield { changes: changes.slice(first), upTo };
}
