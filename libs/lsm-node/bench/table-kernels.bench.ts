/**
 * What bulk kernels would save in the writing of a table, in ns of processor time per entry:
 *
 *     node --conditions=source libs/lsm-node/bench/table-kernels.bench.ts
 *
 * The writer sees one key after another in somebody else's memory. To hash many at once it has to collect them first.
 */
import { createByteKernels } from '@holdfast/io-node';
import { addToBloom, hashKey, newBloom } from '../../lsm/src/table/bloom.ts';
import { threadNanoseconds } from './thread-time.ts';

const COUNT = 200_000;
const KEY_BYTES = 16;
const BATCH = 4_096;
const ROUNDS = 15;
const kernels = createByteKernels();
const arena = new Uint8Array(COUNT * 128);
for (let i = 0; i < COUNT; i++) arena.set(Buffer.from(String(i).padStart(KEY_BYTES, '0')), i * 128);
const hashes = new Uint32Array(COUNT);
const sum = { value: 0 };

function oneByOne(): void {
  for (let i = 0; i < COUNT; i++) hashes[i] = hashKey(arena, i * 128, i * 128 + KEY_BYTES);
}

const collected = new Uint8Array(BATCH * KEY_BYTES);
const offsets = new Uint32Array(BATCH + 1);
function collectedFirst(): void {
  for (let from = 0; from < COUNT; from += BATCH) {
    const count = Math.min(BATCH, COUNT - from);
    let at = 0;
    for (let i = 0; i < count; i++) {
      const start = (from + i) * 128;
      for (let j = 0; j < KEY_BYTES; j++) collected[at++] = arena[start + j]!;
      offsets[i + 1] = at;
    }
    kernels.hashKeys(collected, offsets, count, hashes.subarray(from, from + count));
  }
}

function bloomPure(): void {
  const filter = newBloom(COUNT, 10);
  addToBloom(filter, hashes, 0, COUNT);
  sum.value += filter[0]!;
}

function bloomBulk(): void {
  const filter = new Uint8Array(Math.ceil((COUNT * 10) / 512) * 64);
  kernels.fillBloom(hashes, COUNT, filter, 7);
  sum.value += filter[0]!;
}

for (const work of [oneByOne, collectedFirst, bloomPure, bloomBulk]) {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const from = threadNanoseconds();
    work();
    best = Math.min(best, threadNanoseconds() - from);
  }
  console.log(work.name.padEnd(16), (best / COUNT).toFixed(1), 'ns per entry');
}
