/**
 * Loads random keys with compaction under way, and tells how long the event loop stood still, how much memory
 * was held, and what compaction cost:
 *
 *     node --conditions=source libs/lsm/bench/load.ts [--keys 2000000] [--value 100] [--memtable 8]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Prng, randomInteger } from '@holdfast/io';
import { FileDisk, nodeKernels, SystemClock } from '@holdfast/io-node';
import { REVISION_MAX, Tree, WriteBatch } from '../src/index.ts';

const { values: args } = parseArgs({
  options: {
    keys: { type: 'string', default: '2000000' },
    value: { type: 'string', default: '100' },
    memtable: { type: 'string', default: '8' },
  },
});
const keys = Number(args.keys);
const value = Buffer.alloc(Number(args.value), 'v');
const random = new Prng(1);
const directory = mkdtempSync(`${tmpdir()}/holdfast-load-`);
const tree = await Tree.open({
  disk: new FileDisk(),
  directory: `${directory}/tree`,
  kernels: nodeKernels,
  clock: new SystemClock(),
  options: { memtableBytes: Number(args.memtable) * 2 ** 20, blockCacheBytes: 16 * 2 ** 20 },
});
tree.setHorizon(REVISION_MAX);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const batch = new WriteBatch();
const key = Buffer.alloc(16, '0');
let rssMax = 0;
const start = performance.now();
for (let i = 0; i < keys; i += 100) {
  batch.clear();
  for (let j = 0; j < 100; j++) {
    key.write(String(randomInteger(random, 0, keys)).padStart(16, '0'), 0, 'latin1');
    batch.put(key, i + j + 1, value);
  }
  const stall = tree.writable();
  if (stall !== undefined) await stall;
  tree.apply(batch);
  if (i % 1_000 === 0) await new Promise((resolve) => void setImmediate(resolve));
  if (i % 100_000 === 0) rssMax = Math.max(rssMax, process.memoryUsage().rss);
}
const loaded = performance.now();
await tree.flush();
await tree.compactionIdle();
const idle = performance.now();
delay.disable();
const { levels, writeAmplification, spaceAmplification, compaction } = tree.stats();
console.log(
  `load ${Math.round(keys / ((loaded - start) / 1e3))} puts/s, then ${Math.round(idle - loaded)} ms of compaction`,
);
console.log(
  `loop delay ms: p50 ${delay.percentile(50) / 1e6} p99 ${delay.percentile(99) / 1e6} p99.9 ${delay.percentile(99.9) / 1e6} max ${delay.max / 1e6}`,
);
console.log(
  `rss max ${Math.round(rssMax / 2 ** 20)} MiB; write amplification ${writeAmplification.toFixed(2)}, space ${spaceAmplification.toFixed(2)}`,
);
console.log(
  levels.map(({ tables, bytes }) => `${tables}:${Math.round(bytes / 2 ** 20)}M`).join(' '),
  compaction,
);
await tree.close();
rmSync(directory, { recursive: true, force: true });
