import { Buffer } from 'node:buffer';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { BlockCodec, Compression } from '@holdfast/lsm';
import { compressSync, uncompressSync } from 'lz4-napi';

/** lz4-napi stands a u32 (LE) with the original length in front; the table has that length already. */
const LZ4_HEAD_BYTES = 4;

let scratch = Buffer.alloc(64 * 1024);

/** LZ4 block format, without any frame. About 8 us to compress 4 KiB and 3 us back. */
export const lz4Codec: BlockCodec = {
  name: 'lz4',

  compress(input, bytesMax) {
    const packed = compressSync(bufferOf(input)).subarray(LZ4_HEAD_BYTES);
    return packed.length < bytesMax ? packed : undefined;
  },

  decompress(input, output) {
    const length = LZ4_HEAD_BYTES + input.length;
    if (scratch.length < length) scratch = Buffer.alloc(length * 2);
    // The length that is really expected, never one that the input claims: damage costs no memory.
    scratch.writeUInt32LE(output.length, 0);
    scratch.set(input, LZ4_HEAD_BYTES);
    return filled(output, () => uncompressSync(scratch.subarray(0, length)));
  },
};

/** Level 1: on blocks of some KiB the higher ones cost more and gain a per cent or two. */
const ZSTD_LEVEL = 1;
const ZSTD_CHUNK_BYTES_MIN = 64;

/** Zstandard frames. About 25 us to compress 4 KiB and 13 us back: for levels that are read seldom. */
export const zstdCodec: BlockCodec = {
  name: 'zstd',

  compress(input, bytesMax) {
    const packed = zstdCompressSync(input, {
      chunkSize: Math.max(ZSTD_CHUNK_BYTES_MIN, input.length),
      params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
    });
    return packed.length < bytesMax ? packed : undefined;
  },

  decompress(input, output) {
    const chunkSize = Math.max(ZSTD_CHUNK_BYTES_MIN, output.length);
    return filled(output, () => zstdDecompressSync(input, { chunkSize, maxOutputLength: output.length }));
  },
};

/** What Node can read and write. Give them to every tree, whatever it compresses with. */
export const nodeCodecs: readonly BlockCodec[] = [lz4Codec, zstdCodec];

/**
 * Compression by level for data that is larger than memory. Levels 0 and 1 hold what was written last: a tenth
 * of the bytes, rewritten most often and read most often, straight from the mapped file as long as it is not
 * compressed. LZ4 in the middle costs little; zstd at the bottom, where nine of ten bytes lie.
 */
export const COMPRESSION_BY_LEVEL: readonly Compression[] = [
  'none',
  'none',
  'lz4',
  'lz4',
  'lz4',
  'lz4',
  'zstd',
];

/** Runs a decompression that throws on damage, and takes its result only when it has the right length. */
function filled(output: Uint8Array, decompress: () => Uint8Array): boolean {
  let bytes: Uint8Array;
  try {
    bytes = decompress();
  } catch {
    return false;
  }
  if (bytes.length !== output.length) return false;
  output.set(bytes);
  return true;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
