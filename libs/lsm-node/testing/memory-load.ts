/**
 * Loads a tree far beyond its memory budget, reads some of it, and prints as JSON how much memory that took:
 *
 *     node --conditions=source --disable-warning=ExperimentalWarning libs/lsm-node/testing/memory-load.ts --budget 64 --load 2048
 *
 * Both in MiB. Keys of 16 B in random order, values of 1,000 B that do not compress. Resident memory is that of
 * the whole process with its threads, less what it was before the load.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { Prng, randomInteger } from '@holdfast/io';
import { optionsForMemory, REVISION_MAX, WriteBatch } from '@holdfast/lsm';
import { openTree } from '../src/open-tree.ts';

const { values: args } = parseArgs({
  options: { budget: { type: 'string', default: '64' }, load: { type: 'string', default: '2048' } },
});
const MIB = 2 ** 20;
const VALUE_BYTES = 1_000;
const BATCH = 50;
const READS = 20_000;

/** Bytes of anonymous memory: heaps, stacks, buffers; not the pages of files. */
function residentBytes(): number {
  const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return kilobytes === undefined ? process.memoryUsage().rss : Number(kilobytes) * 1_024;
}

const directory = mkdtempSync(`${tmpdir()}/holdfast-memory-`);
const opened = await openTree(directory, { options: optionsForMemory(Number(args.budget) * MIB) });
const { tree } = opened;
try {
  tree.setHorizon(REVISION_MAX);
  const random = new Prng(1);
  const value = new Uint8Array(VALUE_BYTES);
  for (let i = 0; i < value.length; i++) value[i] = random.nextU32();
  const keys = Math.floor((Number(args.load) * MIB) / (VALUE_BYTES + 16));
  const batch = new WriteBatch(BATCH * (VALUE_BYTES + 64));
  const before = residentBytes();
  let residentMax = before;
  let accountedMax = 0;
  const look = (): void => {
    residentMax = Math.max(residentMax, residentBytes());
    accountedMax = Math.max(accountedMax, tree.stats().memoryBytes);
  };
  const started = performance.now();
  for (let i = 0; i < keys; i += BATCH) {
    batch.clear();
    for (let j = 0; j < BATCH; j++) batch.put(keyOf(i + j), i + j + 1, value);
    const stall = tree.writable();
    if (stall !== undefined) await stall;
    tree.apply(batch);
    if (i % (20 * BATCH) === 0) {
      await new Promise((resolve) => void setImmediate(resolve));
      look();
    }
  }
  await tree.flush();
  const loadSeconds = (performance.now() - started) / 1_000;
  let found = 0;
  for (let i = 0; i < READS; i++) {
    if ((await tree.get(keyOf(randomInteger(random, 0, keys - 1)))) !== undefined) found++;
    if (i % 500 === 0) look();
  }
  await tree.compactionIdle();
  look();
  const { levels, writeAmplification, spaceAmplification } = tree.stats();
  const { user, system } = process.cpuUsage();
  console.log(
    JSON.stringify({
      budgetMib: Number(args.budget),
      loadedMib: Math.round((keys * (VALUE_BYTES + 16)) / MIB),
      tableMib: Math.round(levels.reduce((sum, { bytes }) => sum + bytes, 0) / MIB),
      accountedMib: Math.round(accountedMax / MIB),
      residentMib: Math.round((residentMax - before) / MIB),
      processMib: Math.round(residentMax / MIB),
      found: found / READS,
      loadSeconds: Math.round(loadSeconds * 10) / 10,
      cpuSeconds: Math.round((user + system) / 1e5) / 10,
      writeAmplification: Math.round(writeAmplification * 10) / 10,
      spaceAmplification: Math.round(spaceAmplification * 100) / 100,
    }),
  );
} finally {
  await opened.close();
  rmSync(directory, { recursive: true, force: true });
}

/** A bijection on 32 bits: every key once, in an order without any locality. */
function keyOf(i: number): Uint8Array {
  const scattered = Math.imul(i, 0x9e37_79b1) >>> 0;
  return Buffer.from(scattered.toString(16).padStart(16, '0'));
}
