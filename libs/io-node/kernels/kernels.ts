// AssemblyScript. Built by scripts/build-kernels.ts into src/kernels/generated/kernels-wasm.ts.
// Pointers are offsets into the module's memory, which the caller divides up from heapBase() on.
// Every function has a twin in TypeScript (src/kernels/pure-byte-kernels.ts) that gives the same answers.

const C1: u32 = 0xcc9e2d51;
const C2: u32 = 0x1b873593;
const M1: u32 = 0x85ebca6b;
const M2: u32 = 0xc2b2ae35;
const SEED: u32 = 0x9747b28c;

/** The first byte of memory that is the caller's. */
export function heapBase(): usize {
  return __heap_base;
}

/** Order of two byte strings, 16 bytes a step. */
export function compare(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  const length = min(aLength, bLength);
  let i: u32 = 0;
  while (i + 16 <= length) {
    const equal = i8x16.eq(v128.load(a + i), v128.load(b + i));
    const mask = i8x16.bitmask(equal) & 0xffff;
    if (mask !== 0xffff) {
      const at = i + ctz(~mask);
      return <i32>load<u8>(a + at) - <i32>load<u8>(b + at);
    }
    i += 16;
  }
  while (i < length) {
    const difference = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (difference !== 0) return difference;
    i++;
  }
  return <i32>aLength - <i32>bLength;
}

/** Hashes of `count` keys: key i lies at `keys + offsets[i] .. keys + offsets[i + 1]`. */
export function hashKeys(keys: usize, offsets: usize, count: u32, hashes: usize): void {
  let i: u32 = 0;
  while (i + 4 <= count) {
    const at = offsets + ((<usize>i) << 2);
    const o0 = load<u32>(at);
    const o1 = load<u32>(at, 4);
    const o2 = load<u32>(at, 8);
    const o3 = load<u32>(at, 12);
    const length = o1 - o0;
    // Four keys of one length, whole words: a lane for each.
    if (o2 - o1 === length && o3 - o2 === length && load<u32>(at, 16) - o3 === length && (length & 3) === 0) {
      v128.store(hashes + ((<usize>i) << 2), hash4(keys + o0, keys + o1, keys + o2, keys + o3, length));
    } else {
      for (let j: u32 = 0; j < 4; j++) {
        const start = load<u32>(at + ((<usize>j) << 2));
        const end = load<u32>(at + ((<usize>j) << 2), 4);
        store<u32>(hashes + ((<usize>(i + j)) << 2), hash1(keys + start, end - start));
      }
    }
    i += 4;
  }
  for (; i < count; i++) {
    const at = offsets + ((<usize>i) << 2);
    const start = load<u32>(at);
    store<u32>(hashes + ((<usize>i) << 2), hash1(keys + start, load<u32>(at, 4) - start));
  }
}

function hash4(k0: usize, k1: usize, k2: usize, k3: usize, length: u32): v128 {
  let hash = i32x4.splat(SEED ^ length);
  for (let i: u32 = 0; i < length; i += 4) {
    let word = v128.load32_zero(k0 + i);
    word = v128.load_lane<u32>(k1 + i, word, 1);
    word = v128.load_lane<u32>(k2 + i, word, 2);
    word = v128.load_lane<u32>(k3 + i, word, 3);
    word = i32x4.mul(word, i32x4.splat(C1));
    word = v128.or(i32x4.shl(word, 15), i32x4.shr_u(word, 17));
    hash = v128.xor(hash, i32x4.mul(word, i32x4.splat(C2)));
    hash = v128.or(i32x4.shl(hash, 13), i32x4.shr_u(hash, 19));
    hash = i32x4.add(i32x4.mul(hash, i32x4.splat(5)), i32x4.splat(0xe6546b64));
  }
  hash = v128.xor(hash, i32x4.shr_u(hash, 16));
  hash = i32x4.mul(hash, i32x4.splat(M1));
  hash = v128.xor(hash, i32x4.shr_u(hash, 13));
  hash = i32x4.mul(hash, i32x4.splat(M2));
  return v128.xor(hash, i32x4.shr_u(hash, 16));
}

function hash1(key: usize, length: u32): u32 {
  let hash: u32 = SEED ^ length;
  let i: u32 = 0;
  while (i + 4 <= length) {
    hash ^= rotl<u32>(load<u32>(key + i) * C1, 15) * C2;
    hash = rotl<u32>(hash, 13) * 5 + 0xe6546b64;
    i += 4;
  }
  let tail: u32 = 0;
  for (let shift: u32 = 0; i < length; i++, shift += 8) tail |= (<u32>load<u8>(key + i)) << shift;
  hash ^= rotl<u32>(tail * C1, 15) * C2;
  hash ^= hash >>> 16;
  hash *= M1;
  hash ^= hash >>> 13;
  hash *= M2;
  return hash ^ (hash >>> 16);
}

/** Sets the bits of `count` hashes in a blocked bloom filter of `lines` 64-byte lines, zero before. */
export function fillBloom(hashes: usize, count: u32, filter: usize, lines: u32, probes: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const hash = load<u32>(hashes + ((<usize>i) << 2));
    const line = filter + (((<u64>hash * <u64>lines) >> 32) << 6);
    let walk: u32 = hash * 0x9e3779b1;
    const step: u32 = rotr<u32>(walk, 17) | 1;
    for (let probe: u32 = 0; probe < probes; probe++) {
      const bit = (walk >>> 9) & 511;
      const at = <usize>line + (bit >>> 3);
      store<u8>(at, load<u8>(at) | ((<u8>1) << (<u8>(bit & 7))));
      walk += step;
    }
  }
}

/** Writes 1 or 0 for each hash: may the filter hold it? */
export function probeBloom(
  hashes: usize,
  count: u32,
  filter: usize,
  lines: u32,
  probes: u32,
  answers: usize,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const hash = load<u32>(hashes + ((<usize>i) << 2));
    const line = filter + (((<u64>hash * <u64>lines) >> 32) << 6);
    let walk: u32 = hash * 0x9e3779b1;
    const step: u32 = rotr<u32>(walk, 17) | 1;
    let answer: u8 = 1;
    for (let probe: u32 = 0; probe < probes; probe++) {
      const bit = (walk >>> 9) & 511;
      if ((<u32>load<u8>(<usize>line + (bit >>> 3)) & ((<u32>1) << (bit & 7))) === 0) {
        answer = 0;
        break;
      }
      walk += step;
    }
    store<u8>(answers + i, answer);
  }
}

/** CRC-32 (zlib's), eight bytes a step, with 8 x 256 words of tables at `tables`. */
export function crc32(bytes: usize, length: u32, seed: u32, tables: usize): u32 {
  let crc = ~seed;
  let i: u32 = 0;
  while (i + 8 <= length) {
    const low = crc ^ load<u32>(bytes + i);
    const high = load<u32>(bytes + i, 4);
    crc =
      load<u32>(tables + ((low & 0xff) << 2), 7168) ^
      load<u32>(tables + (((low >>> 8) & 0xff) << 2), 6144) ^
      load<u32>(tables + (((low >>> 16) & 0xff) << 2), 5120) ^
      load<u32>(tables + ((low >>> 24) << 2), 4096) ^
      load<u32>(tables + ((high & 0xff) << 2), 3072) ^
      load<u32>(tables + (((high >>> 8) & 0xff) << 2), 2048) ^
      load<u32>(tables + (((high >>> 16) & 0xff) << 2), 1024) ^
      load<u32>(tables + ((high >>> 24) << 2));
    i += 8;
  }
  for (; i < length; i++) crc = load<u32>(tables + (((crc ^ load<u8>(bytes + i)) & 0xff) << 2)) ^ (crc >>> 8);
  return ~crc;
}
