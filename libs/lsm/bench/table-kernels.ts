/**
 * What bulk kernels would save in the writing of a table, in ns per entry, best of some rounds:
 *
 *     node --conditions=source libs/lsm/bench/table-kernels.ts
 *
 * The writer sees one key after another in somebody else's memory. To hash many at once it has to collect them first.
 */
import { pureKernels } from '@holdfast/io';
import { createByteKernels, nodeKernels } from '@holdfast/io-node';
import { addToBloom, hashKey, newBloom } from '../src/table/bloom.ts';

const COUNT = 200_000;
const KEY_BYTES = 16;
const BATCH = 4_096;
const ROUNDS = 15;
/** Keys that the writer adds between two turns of the loop. */
const SLICE = 16_384;
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
  addToBloom(filter, hashes, 0, COUNT, pureKernels);
  sum.value += filter[0]!;
}

function bloomBulk(): void {
  const filter = newBloom(COUNT, 10);
  for (let start = 0; start < COUNT; start += SLICE) {
    addToBloom(filter, hashes, start, Math.min(start + SLICE, COUNT), nodeKernels);
  }
  sum.value += filter[0]!;
}

for (const work of [oneByOne, collectedFirst, bloomPure, bloomBulk]) {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now();
    work();
    best = Math.min(best, performance.now() - from);
  }
  console.log(work.name.padEnd(16), ((best * 1e6) / COUNT).toFixed(1), 'ns per entry');
}
