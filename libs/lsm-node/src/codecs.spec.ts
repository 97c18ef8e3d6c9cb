import { blockCodecConformance } from '@holdfast/lsm/conformance';
import { expect, it } from 'vitest';
import { COMPRESSION_BY_LEVEL, lz4Codec, nodeCodecs, zstdCodec } from './codecs.ts';

blockCodecConformance('lz4Codec', lz4Codec);
blockCodecConformance('zstdCodec', zstdCodec);

it('speaks the formats that everybody speaks: LZ4 blocks, zstd frames', () => {
  const input = new Uint8Array(100).fill(65);
  // By hand: a literal, a match at distance 1, and the five literals that end every block.
  const output = new Uint8Array(100);
  expect(lz4Codec.decompress(Buffer.from('1f4101004b504141414141', 'hex'), output)).toBe(true);
  expect(output).toEqual(input);
  expect(Buffer.from(zstdCodec.compress(input, 100)!).subarray(0, 4).toString('hex')).toBe('28b52ffd');
});

it('has a codec for every level', () => {
  const known = new Set(['none', ...nodeCodecs.map(({ name }) => name)]);
  expect(COMPRESSION_BY_LEVEL.every((name) => known.has(name))).toBe(true);
});
