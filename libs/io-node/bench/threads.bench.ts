/**
 * Hand-over between threads by ring and by message, and the shared map against the same map under a lock.
 * Run: `node --conditions=source libs/io-node/bench/threads.bench.ts`
 */
import type { Worker } from 'node:worker_threads';
import { allocateMap, SharedMap } from '../src/threads/shared-map.ts';
import { SharedMutex } from '../src/threads/shared-mutex.ts';
import { allocateRing, RingConsumer, RingProducer } from '../src/threads/shared-ring.ts';
import { startWorker } from '../src/threads/start-worker.ts';
import { allocateCounters, SharedCounters } from '../src/threads/shared-counters.ts';
import type { BenchPart } from './bench-worker.ts';
import { type Contestant, compare, printMachine, timed, timedLoop } from './report.ts';

const RECORD_BYTES = 256;

printMachine('threads');
await handOver();
await sharedMap();
await counters();
process.exit(0);

async function handOver(): Promise<void> {
  const [ring, messages] = [ringEcho(), messageEcho()];
  for (const batch of [1, 64, 1024]) {
    const contestants = [
      { name: 'postMessage, one array of records', run: timed(() => messages(batch)) },
      { name: 'ring', run: timed(() => ring(batch)) },
    ];
    await compare(
      `there and back: a batch of ${batch} records of ${RECORD_BYTES} bytes`,
      contestants,
      5,
      300,
    );
  }
}

function start(part: BenchPart): Worker {
  return startWorker<BenchPart>(import.meta.url, './bench-worker', part);
}

function ringEcho(): (batch: number) => Promise<void> {
  const requests = allocateRing(1024 * 1024);
  const answers = allocateRing(1024 * 1024);
  start({ kind: 'echo', requests, answers });
  const producer = new RingProducer(requests);
  const consumer = new RingConsumer(answers);
  const record = new Uint8Array(RECORD_BYTES).fill(1);
  return async (batch) => {
    for (let i = 0; i < batch; i++) producer.push(record, i);
    producer.publish();
    for (let taken = 0; taken < batch;) {
      await consumer.waitAsync();
      taken += consumer.takeAll(() => undefined);
    }
  };
}

function messageEcho(): (batch: number) => Promise<void> {
  const worker = start({ kind: 'echo' });
  let done: () => void = () => undefined;
  worker.on('message', () => done());
  return (batch) =>
    new Promise((resolve) => {
      done = resolve;
      worker.postMessage(Array.from({ length: batch }, () => new Uint8Array(RECORD_BYTES).fill(1)));
    });
}

async function sharedMap(): Promise<void> {
  for (const busy of [false, true]) {
    const map = allocateMap(10_000);
    const shared = new SharedMap(map);
    for (let key = 0; key < 10_000; key++) shared.set(0, key, key);
    const memory = new SharedArrayBuffer(8);
    const words = new Int32Array(memory);
    const mutex = new SharedMutex(words, 0);
    const local = new Map(Array.from({ length: 10_000 }, (_, key) => [key, key]));
    let sum = 0;
    const free: Contestant = {
      name: 'lock-free get',
      run: timedLoop((count) => {
        for (let i = 0; i < count; i++) sum += shared.get(0, (i * 7919) % 10_000);
      }),
    };
    const locked: Contestant = {
      name: 'get under a mutex',
      run: timedLoop((count) => {
        for (let i = 0; i < count; i++) {
          while (!mutex.tryLock());
          sum += shared.get(0, (i * 7919) % 10_000);
          mutex.unlock();
        }
      }),
    };
    const own: Contestant = {
      name: "a JavaScript Map of this thread's own",
      run: timedLoop((count) => {
        for (let i = 0; i < count; i++) sum += local.get((i * 7919) % 10_000) ?? 0;
      }),
    };
    const set: Contestant = {
      name: 'lock-free set',
      run: timedLoop((count) => {
        for (let i = 0; i < count; i++) shared.set(0, (i * 7919) % 10_000, i);
      }),
    };
    // Each kind of reader next to a thread that does the same.
    for (const contestants of busy ? [[free, set, own], [locked]] : [[free, locked, set, own]]) {
      words[1] = 0;
      const worker = busy
        ? start({ kind: 'map-load', map, memory, locked: contestants[0] === locked })
        : undefined;
      await compare(
        `map of 10,000 keys, ${busy ? 'another thread does the same' : 'alone'}`,
        contestants,
        15,
        100_000,
      );
      Atomics.store(words, 1, 1);
      await worker?.terminate();
      words[0] = 0;
    }
    if (sum === 0) throw new Error('nothing was read');
  }
}

async function counters(): Promise<void> {
  const shared = new SharedCounters(allocateCounters(8));
  const plain = new Float64Array(8);
  await compare(
    'a counter',
    [
      { name: 'shared, 53 bits', run: timedLoop((count) => repeat(count, (i) => shared.add(i & 7, 1))) },
      {
        name: 'a typed array of this thread',
        run: timedLoop((count) => repeat(count, (i) => (plain[i & 7] += 1))),
      },
    ],
    15,
    100_000,
  );
}

function repeat(count: number, work: (i: number) => void): void {
  for (let i = 0; i < count; i++) work(i);
}
