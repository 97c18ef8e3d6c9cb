/** Bytes of a line of a bloom filter: all bits of a key lie in one. */
export const BLOOM_LINE_BYTES = 64;

/** The pure twin of `Kernels.fillBloom`. Which bits it sets is part of the table format. */
export function fillBloom(
  hashes: Uint32Array,
  start: number,
  end: number,
  filter: Uint8Array,
  probes: number,
): void {
  const lines = filter.length / BLOOM_LINE_BYTES;
  for (let i = start; i < end; i++) {
    const hash = hashes[i]!;
    const line = Math.floor((hash / 2 ** 32) * lines) * BLOOM_LINE_BYTES;
    let walk = Math.imul(hash, 0x9e3779b1);
    const step = (walk >>> 17) | (walk << 15) | 1;
    for (let probe = 0; probe < probes; probe++) {
      const bit = (walk >>> 9) & 511;
      filter[line + (bit >>> 3)]! |= 1 << (bit & 7);
      walk = (walk + step) | 0;
    }
  }
}
