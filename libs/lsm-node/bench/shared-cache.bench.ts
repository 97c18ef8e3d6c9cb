/**
 * Would compaction gain from a block cache that it shares with the reading thread? Both ways to get a block of 4 KiB
 * that somebody else has read already, in ns of processor time:
 *
 *     node --conditions=source libs/lsm-node/bench/shared-cache.bench.ts
 *
 * A shared cache keeps blocks in a SharedArrayBuffer and finds them through the lock-free `SharedMap`; a reader holds
 * the frame by `SharedHandles` while it uses it. The other way is what the engine does: the mapped file.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { zstdDecompressSync, zstdCompressSync } from 'node:zlib';
import { assert, Prng, randomInteger } from '@holdfast/io';
import {
  allocateHandles,
  allocateMap,
  FileDisk,
  nodeKernels,
  SharedHandles,
  SharedMap,
} from '@holdfast/io-node';
import { lz4Codec } from '../src/codecs.ts';
import { threadNanoseconds } from './thread-time.ts';

const BLOCK_BYTES = 4_096;
const BLOCKS = 8_192;
const LOOKUPS = 200_000;
const ROUNDS = 5;

const directory = mkdtempSync(`${tmpdir()}/holdfast-shared-cache-`);
const random = new Prng(1);
const content = Buffer.alloc(BLOCK_BYTES * BLOCKS);
for (let i = 0; i < content.length; i += 8) content.writeUInt32LE(random.nextU32() & 0xff, i);
writeFileSync(`${directory}/table`, content);
const file = await new FileDisk().open(`${directory}/table`, 'never');
const mapped = file.map();
assert(mapped !== undefined, 'files can be mapped here');
const shared = new Uint8Array(new SharedArrayBuffer(content.length));
shared.set(content);
const map = new SharedMap(allocateMap(BLOCKS));
const handles = new SharedHandles(allocateHandles(BLOCKS));
const slots = new Int32Array(BLOCKS);
for (let block = 0; block < BLOCKS; block++) {
  map.set(7, block, block);
  handles.add(block);
  slots[block] = block;
}
const wanted = Uint32Array.from({ length: LOOKUPS }, () => randomInteger(random, 0, BLOCKS - 1));
const first = content.subarray(0, BLOCK_BYTES);
const lz4 = lz4Codec.compress(first, BLOCK_BYTES)!;
const zstd = zstdCompressSync(first);
const output = new Uint8Array(BLOCK_BYTES);
const sum = { value: 0 };

const ways: Record<string, (block: number) => void> = {
  'mapped file, checksum known': (block) => void (sum.value += mapped[block * BLOCK_BYTES]!),
  'mapped file, checksum computed': (block) =>
    void (sum.value += nodeKernels.crc32(mapped, block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES, 0)),
  'own cache, array of slots': (block) => void (sum.value += content[slots[block]! * BLOCK_BYTES]!),
  'shared cache, SharedMap': (block) => void (sum.value += shared[map.get(7, block) * BLOCK_BYTES]!),
  'shared cache, SharedMap and SharedHandles': (block) => {
    const frame = map.get(7, block);
    if (!handles.acquire(frame)) return;
    sum.value += shared[frame * BLOCK_BYTES]!;
    handles.release(frame);
  },
  'positional read': (block) => void file.readSync(output, block * BLOCK_BYTES),
  lz4: () => void lz4Codec.decompress(lz4, output),
  zstd: () => void zstdDecompressSync(zstd),
};
for (const [name, way] of Object.entries(ways)) {
  let best = Infinity;
  const lookups = name.length < 5 ? LOOKUPS / 20 : LOOKUPS;
  for (let round = 0; round < ROUNDS; round++) {
    const from = threadNanoseconds();
    for (let i = 0; i < lookups; i++) way(wanted[i]!);
    best = Math.min(best, (threadNanoseconds() - from) / lookups);
  }
  console.log(name.padEnd(44), best.toFixed(0));
}
await file.close();
rmSync(directory, { recursive: true });
