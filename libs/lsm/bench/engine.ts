/**
 * Quick figures of the engine and of classic-level (LevelDB) in one process, one after the other:
 *
 *     node --conditions=source libs/lsm/bench/engine.ts [--keys 300000] [--value 100] [--only name,name] [--no-peer]
 *
 * Ratios of one run compare; absolute figures drift with the machine.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { Prng, randomInteger } from '@holdfast/io';
import { FileDisk, nodeKernels, SystemClock } from '@holdfast/io-node';
import { ClassicLevel } from 'classic-level';
import { REVISION_MAX, Tree, WriteBatch } from '../src/index.ts';

const { values: args } = parseArgs({
  options: {
    keys: { type: 'string', default: '300000' },
    value: { type: 'string', default: '100' },
    only: { type: 'string' },
    peer: { type: 'boolean', default: true },
    mmap: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const KEYS = Number(args.keys);
const VALUE_BYTES = Number(args.value);
const only = args.only?.split(',');

const random = new Prng(42);
const keys: Buffer[] = Array.from({ length: KEYS }, (_, i) => Buffer.from(String(i).padStart(16, '0')));
const shuffled = [...keys];
for (let i = KEYS - 1; i > 0; i--) {
  const j = randomInteger(random, 0, i);
  [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
}
const probes = Array.from(
  { length: Math.min(KEYS, 200_000) },
  () => keys[randomInteger(random, 0, KEYS - 1)]!,
);
const missing = probes.map((key) => Buffer.concat([key.subarray(0, 15), Buffer.from('x')]));
const value = Buffer.alloc(VALUE_BYTES, 'v');

const ours = new Map<string, number>();
const peers = new Map<string, number>();
/** Processor time of all threads, us per operation: means more than the rate on a busy machine. */
const cpuTime = new Map<string, number>();

async function measure(
  into: Map<string, number>,
  name: string,
  ops: number,
  run: () => Promise<void> | void,
) {
  if (only !== undefined && !only.some((part) => name.startsWith(part))) return;
  const cpu = process.cpuUsage();
  const before = process.hrtime.bigint();
  await run();
  const { user, system } = process.cpuUsage(cpu);
  if (into === ours) cpuTime.set(name, (user + system) / ops);
  into.set(name, ops / (Number(process.hrtime.bigint() - before) / 1e9));
}

async function measureOurs(directory: string): Promise<void> {
  const clock = new SystemClock();
  const open = (name: string, wal: boolean): Promise<Tree> =>
    Tree.open({
      disk: new FileDisk(),
      directory: `${directory}/${name}`,
      kernels: nodeKernels,
      clock,
      wal,
      options: { mmap: args.mmap },
      onEvent: (event) => {
        if (event.type === 'broken') console.error(event.error);
      },
    });
  const batch = new WriteBatch();
  let revision = 1;
  const put = async (tree: Tree, order: readonly Buffer[], size: number, wal: boolean): Promise<void> => {
    for (let i = 0; i < order.length; i += size) {
      batch.clear();
      for (let j = i; j < i + size && j < order.length; j++) batch.put(order[j]!, revision++, value);
      if (wal) {
        const written = tree.write(batch, { sync: false });
        if ((i / size) % 64 === 63) await written;
      } else {
        const stall = tree.writable();
        if (stall !== undefined) await stall;
        tree.apply(batch);
      }
    }
  };
  const seq = await open('seq', true);
  seq.setHorizon(REVISION_MAX);
  await measure(ours, 'fillseq batch 100', KEYS, () => put(seq, keys, 100, true));
  await seq.close();
  const raw = await open('raw', false);
  raw.setHorizon(REVISION_MAX);
  await measure(ours, 'fillrandom batch 100, no WAL', KEYS, () => put(raw, shuffled, 100, false));
  await raw.close();
  const single = await open('single', true);
  await measure(ours, 'fillrandom single', KEYS, () => put(single, shuffled, 1, true));
  await single.close();
  const tree = await open('tree', true);
  tree.setHorizon(REVISION_MAX);
  await measure(ours, 'fillrandom batch 100', KEYS, () => put(tree, shuffled, 100, true));
  if (only === undefined || only.includes('overwrite')) {
    await measure(ours, 'overwrite batch 100', KEYS, () => put(tree, shuffled, 100, true));
  } else if (!ours.has('fillrandom batch 100')) {
    await put(tree, shuffled, 100, true);
  }
  await tree.flush();
  await tree.compactionIdle();
  console.log(
    'levels',
    tree
      .stats()
      .levels.map(({ tables, bytes }) => `${tables}:${(bytes / 2 ** 20).toFixed(0)}M`)
      .join(' '),
  );
  const synced = await open('synced', true);
  await measure(ours, 'synced put, 64 in flight', 6_400, async () => {
    const one = async (worker: number): Promise<void> => {
      const own = new WriteBatch();
      for (let i = 0; i < 100; i++) {
        own.clear();
        own.put(shuffled[worker * 100 + i]!, revision++, value);
        await synced.write(own, { sync: true });
      }
    };
    await Promise.all(Array.from({ length: 64 }, (_, worker) => one(worker)));
  });
  await synced.close();
  for (let round = 0; round < 2; round++) {
    await measure(ours, 'get sync', probes.length, async () => {
      for (const key of probes) {
        const found = tree.get(key);
        const lookup = found instanceof Promise ? await found : found;
        if (lookup?.value.length !== VALUE_BYTES) throw new Error('not found');
      }
    });
    await measure(ours, 'await get', probes.length, async () => {
      for (const key of probes) if ((await tree.get(key)) === undefined) throw new Error('not found');
    });
    await measure(ours, 'get missing', missing.length, async () => {
      for (const key of missing) if ((await tree.get(key)) !== undefined) throw new Error('found');
    });
    await measure(ours, 'multiGet 100', probes.length, async () => {
      for (let i = 0; i < probes.length; i += 100) await tree.multiGet(probes.slice(i, i + 100));
    });
    await measure(ours, 'scan', KEYS, async () => {
      const cursor = tree.iterator();
      let count = 0;
      while (cursor.next() || (await cursor.load())) count += cursor.value.length > 0 ? 1 : 0;
      cursor.close();
      if (count !== KEYS) throw new Error(`scanned ${count}`);
    });
    await measure(ours, 'scan reverse', KEYS, async () => {
      const cursor = tree.iterator({ reverse: true });
      let count = 0;
      while (cursor.next() || (await cursor.load())) count += cursor.value.length > 0 ? 1 : 0;
      cursor.close();
      if (count !== KEYS) throw new Error(`scanned ${count}`);
    });
    await measure(ours, 'seek + next 100', 5_000, async () => {
      for (let i = 0; i < 5_000; i++) {
        const cursor = tree.iterator({ start: probes[i]! });
        for (let j = 0; j < 100 && (cursor.next() || (await cursor.load())); j++) void cursor.value;
        cursor.close();
      }
    });
  }
  await tree.close();
}

async function measurePeer(directory: string): Promise<void> {
  type Db = ClassicLevel<Buffer, Buffer>;
  const open = async (name: string): Promise<Db> => {
    const db: Db = new ClassicLevel(`${directory}/${name}`, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: false,
      cacheSize: 64 * 2 ** 20,
      writeBufferSize: 32 * 2 ** 20,
    });
    await db.open();
    return db;
  };
  const put = async (db: Db, order: readonly Buffer[], size: number): Promise<void> => {
    for (let i = 0; i < order.length; i += size) {
      const batch = db.batch();
      for (let j = i; j < i + size && j < order.length; j++) batch.put(order[j]!, value);
      await batch.write();
    }
  };
  const seq = await open('seq');
  await measure(peers, 'fillseq batch 100', KEYS, () => put(seq, keys, 100));
  await seq.close();
  const single = await open('single');
  await measure(peers, 'fillrandom single', Math.min(KEYS, 50_000), async () => {
    for (let i = 0; i < Math.min(KEYS, 50_000); i += 64) {
      await Promise.all(shuffled.slice(i, i + 64).map((key) => single.put(key, value)));
    }
  });
  await single.close();
  const db = await open('tree');
  await measure(peers, 'fillrandom batch 100', KEYS, () => put(db, shuffled, 100));
  peers.set('fillrandom batch 100, no WAL', peers.get('fillrandom batch 100') ?? 0);
  if (only === undefined || only.includes('overwrite')) {
    await measure(peers, 'overwrite batch 100', KEYS, () => put(db, shuffled, 100));
  } else if (!peers.has('fillrandom batch 100')) {
    await put(db, shuffled, 100);
  }
  const synced = await open('synced');
  await measure(peers, 'synced put, 64 in flight', 3_200, async () => {
    for (let i = 0; i < 3_200; i += 64) {
      await Promise.all(shuffled.slice(i, i + 64).map((key) => synced.put(key, value, { sync: true })));
    }
  });
  await synced.close();
  for (let round = 0; round < 2; round++) {
    await measure(peers, 'get sync', probes.length, () => {
      for (const key of probes) if (db.getSync(key)?.length !== VALUE_BYTES) throw new Error('not found');
    });
    await measure(peers, 'await get', 20_000, async () => {
      for (const key of probes.slice(0, 20_000))
        if ((await db.get(key)) === undefined) throw new Error('not found');
    });
    await measure(peers, 'get missing', missing.length, () => {
      for (const key of missing) if (db.getSync(key) !== undefined) throw new Error('found');
    });
    await measure(peers, 'multiGet 100', probes.length, async () => {
      for (let i = 0; i < probes.length; i += 100) await db.getMany(probes.slice(i, i + 100));
    });
    await measure(peers, 'scan', KEYS, async () => {
      const iterator = db.iterator();
      for (;;) {
        const entries = await iterator.nextv(1_000);
        if (entries.length === 0) break;
      }
      await iterator.close();
    });
    await measure(peers, 'scan reverse', KEYS, async () => {
      const iterator = db.iterator({ reverse: true });
      for (;;) {
        const entries = await iterator.nextv(1_000);
        if (entries.length === 0) break;
      }
      await iterator.close();
    });
    await measure(peers, 'seek + next 100', 2_000, async () => {
      for (let i = 0; i < 2_000; i++) await db.iterator({ gte: probes[i]!, limit: 100 }).all();
    });
  }
  await db.close();
}

const directory = mkdtempSync(`${tmpdir()}/holdfast-bench-`);
try {
  await measureOurs(`${directory}/ours`);
  if (args.peer) await measurePeer(`${directory}-peer`);
} finally {
  rmSync(directory, { recursive: true, force: true });
  rmSync(`${directory}-peer`, { recursive: true, force: true });
}
for (const [name, rate] of ours) {
  const peer = peers.get(name);
  const ratio = peer === undefined ? '' : `${(rate / peer).toFixed(2)} x ${Math.round(peer)}`;
  console.log(
    `${name.padEnd(32)} ${String(Math.round(rate)).padStart(12)} ${(cpuTime.get(name) ?? 0).toFixed(2).padStart(8)} us   ${ratio}`,
  );
}
