/**
 * What a put costs the tree's own thread, in ns of its processor time: writing into the memtable, and writing the
 * memtable to disk, on this thread and on another:
 *
 *     node --conditions=source libs/lsm-node/bench/flush.bench.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Prng, randomInteger } from '@holdfast/io';
import { FileDisk, nodeKernels } from '@holdfast/io-node';
import { Tree, WriteBatch } from '@holdfast/lsm';
import { WorkerCompactor } from '../src/worker-compactor.ts';
import { threadNanoseconds } from './thread-time.ts';

const PUTS = 200_000;
const ROUNDS = 5;
const value = Buffer.alloc(100, 'v');

for (const place of ['this thread', 'another thread']) {
  const compactor = new WorkerCompactor();
  const directory = mkdtempSync(`${tmpdir()}/holdfast-flush-`);
  const tree = await Tree.open({
    disk: new FileDisk(),
    directory,
    kernels: nodeKernels,
    options: { memtableBytes: 64 * 2 ** 20, manualCompaction: true },
    ...(place === 'this thread' ? {} : { compactor }),
  });
  const random = new Prng(1);
  const batch = new WriteBatch();
  const best = { apply: Infinity, flush: Infinity };
  let revision = 1;
  for (let round = 0; round < ROUNDS; round++) {
    const keys = Array.from({ length: PUTS }, () =>
      Buffer.from(String(randomInteger(random, 0, 1_000_000)).padStart(16, '0')),
    );
    const from = threadNanoseconds();
    for (let i = 0; i < PUTS; i += 100) {
      batch.clear();
      for (let j = i; j < i + 100; j++) batch.put(keys[j]!, revision++, value);
      tree.apply(batch);
    }
    const applied = threadNanoseconds();
    await tree.flush();
    best.apply = Math.min(best.apply, (applied - from) / PUTS);
    best.flush = Math.min(best.flush, (threadNanoseconds() - applied) / PUTS);
  }
  console.log(`flush on ${place}: apply ${best.apply.toFixed(0)}, flush ${best.flush.toFixed(0)} ns per put`);
  await tree.close();
  await compactor.close();
  rmSync(directory, { recursive: true });
}
