/**
 * CRC-32 with the reflected polynomial 0xEDB88320 (ISO 3309, zlib's `crc32`), eight bytes a step
 * ("slicing-by-8", Kounavis and Berry 2005). The pure twin of {@link Kernels.crc32}.
 */
const TABLES = makeTables();

function makeTables(): readonly Uint32Array[] {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    tables[0][byte] = crc >>> 0;
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = tables[0][byte];
    for (let slice = 1; slice < 8; slice++) {
      crc = (crc >>> 8) ^ tables[0][crc & 0xff];
      tables[slice][byte] = crc >>> 0;
    }
  }
  return tables;
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

/** CRC-32 of `bytes[start .. end)`, continuing from `seed` (the CRC of what came before; 0 at the start). */
export function crc32(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  let crc = ~seed;
  let i = start;
  for (const last = end - 8; i <= last; i += 8) {
    const low = crc ^ (bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
    crc =
      T7[low & 0xff] ^
      T6[(low >>> 8) & 0xff] ^
      T5[(low >>> 16) & 0xff] ^
      T4[low >>> 24] ^
      T3[bytes[i + 4]] ^
      T2[bytes[i + 5]] ^
      T1[bytes[i + 6]] ^
      T0[bytes[i + 7]];
  }
  for (; i < end; i++) crc = T0[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Below this the call into native code, and the view it wants, cost more than they save (ADR 0015). */
const NATIVE_BYTES_MIN = 192;

/**
 * {@link crc32} with native code for what is long enough.
 * @param native the same CRC, of all of `bytes`
 */
export function crc32Over(
  native: (bytes: Uint8Array, seed: number) => number,
): (bytes: Uint8Array, start: number, end: number, seed: number) => number {
  return (bytes, start, end, seed) => {
    if (end - start < NATIVE_BYTES_MIN) return crc32(bytes, start, end, seed);
    return native(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), seed);
  };
}
