/**
 * 4 KiB written and synced in zero-filled space: through libuv, by a thread of its own fed by a ring, by one
 * fed by messages, and on the calling thread; while the process is idle, while its main thread is busy, and
 * while libuv's pool is. Run: `node --conditions=source libs/io-node/bench/log-write.bench.ts [directory]`,
 * once as it is and once with `UV_THREADPOOL_SIZE=16`.
 */
import {
  close,
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fsync,
  fsyncSync,
  openSync,
  rmSync,
  write,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { zstdCompress } from 'node:zlib';
import { allocateRing, RingConsumer, RingProducer } from '../src/threads/shared-ring.ts';
import { type Contestant, compare, printMachine, timed } from './report.ts';

const BLOCK_BYTES = 4096;
const BLOCKS = 8192;

interface WriterData {
  readonly fd: number;
  readonly requests: SharedArrayBuffer | undefined;
  readonly answers: SharedArrayBuffer | undefined;
}

if (isMainThread) await main();
else serve(workerData as WriterData);

/** The log writer's thread: takes all that waits, writes it, syncs once, answers. */
function serve({ fd, requests, answers }: WriterData): void {
  if (requests === undefined || answers === undefined) {
    parentPort?.on('message', ({ bytes, block }: { bytes: Uint8Array; block: number }) => {
      writeSync(fd, bytes, 0, bytes.length, block * BLOCK_BYTES);
      fdatasyncSync(fd);
      parentPort?.postMessage(block);
    });
    return;
  }
  const consumer = new RingConsumer(requests);
  const producer = new RingProducer(answers);
  while (!consumer.ended) {
    consumer.wait();
    consumer.takeAll((start, end, block) => {
      writeSync(fd, consumer.bytes, start, end - start, block * BLOCK_BYTES);
      producer.reserve(0, block);
    });
    fdatasyncSync(fd);
    producer.publish();
  }
}

async function main(): Promise<void> {
  const directory = process.argv[2] ?? '.';
  const path = join(directory, 'log-write.bench.tmp');
  const fd = openSync(path, 'w+');
  const zeros = new Uint8Array(1024 * 1024);
  for (let offset = 0; offset < BLOCKS * BLOCK_BYTES; offset += zeros.length)
    writeSync(fd, zeros, 0, zeros.length, offset);
  fsyncSync(fd);
  const syncedFd = openSync(path, constants.O_RDWR | constants.O_DSYNC);
  const block = new Uint8Array(BLOCK_BYTES).fill(7);
  const at = (i: number): number => (i % BLOCKS) * BLOCK_BYTES;

  const ring = startRingWriter(fd);
  const messages = startMessageWriter(fd);
  const contestants: readonly Contestant[] = [
    {
      name: 'libuv, O_DSYNC write (one trip)',
      run: timed((i) => new Promise((resolve) => write(syncedFd, block, 0, BLOCK_BYTES, at(i), resolve))),
    },
    {
      name: 'libuv, write + fdatasync',
      run: timed(
        (i) =>
          new Promise((resolve) => write(fd, block, 0, BLOCK_BYTES, at(i), () => fdatasync(fd, resolve))),
      ),
    },
    { name: 'own thread, ring', run: timed((i) => ring.write(block, i % BLOCKS)) },
    { name: 'own thread, postMessage', run: timed((i) => messages.write(block, i % BLOCKS)) },
    {
      name: 'on the main thread, blocking',
      run: timed(async (i) => {
        writeSync(fd, block, 0, BLOCK_BYTES, at(i));
        fdatasyncSync(fd);
      }),
    },
  ];
  printMachine(
    `4 KiB write + sync, zero-filled file; libuv threads: ${process.env['UV_THREADPOOL_SIZE'] ?? '4'}`,
  );
  await compare('idle', contestants, 5, 300);
  let stop = keepMainThreadBusy(100);
  await compare('main thread busy in slices of 100 us', contestants, 3, 150);
  await stop();
  stop = keepPoolCompressing(4);
  await compare('4 compressions in the pool, always', contestants.slice(0, 4), 3, 60);
  await stop();
  stop = keepPoolSyncing(directory, 4);
  await compare('4 other files written and synced in the pool, always', contestants.slice(0, 4), 3, 60);
  await stop();

  ring.stop();
  messages.stop();
  closeSync(fd);
  closeSync(syncedFd);
  rmSync(path);
}

function startRingWriter(fd: number): {
  write(bytes: Uint8Array, block: number): Promise<void>;
  stop(): void;
} {
  const requests = allocateRing(1024 * 1024);
  const answers = allocateRing(64 * 1024);
  const worker = new Worker(import.meta.filename, {
    workerData: { fd, requests, answers } satisfies WriterData,
  });
  const producer = new RingProducer(requests);
  const consumer = new RingConsumer(answers);
  return {
    async write(bytes, block) {
      producer.push(bytes, block);
      producer.publish();
      await consumer.waitAsync();
      consumer.takeAll(() => undefined);
    },
    stop: () => {
      producer.close();
      worker.unref();
    },
  };
}

function startMessageWriter(fd: number): {
  write(bytes: Uint8Array, block: number): Promise<void>;
  stop(): void;
} {
  const data: WriterData = { fd, requests: undefined, answers: undefined };
  const worker = new Worker(import.meta.filename, { workerData: data });
  let done: () => void = () => undefined;
  worker.on('message', () => done());
  return {
    write: (bytes, block) =>
      new Promise((resolve) => {
        done = resolve;
        worker.postMessage({ bytes, block });
      }),
    stop: () => worker.unref(),
  };
}

function keepMainThreadBusy(sliceUs: number): () => Promise<void> {
  let on = true;
  const slice = (): void => {
    const end = performance.now() + sliceUs / 1000;
    while (performance.now() < end);
    if (on) setImmediate(slice);
  };
  slice();
  return async () => {
    on = false;
  };
}

function keepPoolCompressing(tasks: number): () => Promise<void> {
  const input = Buffer.alloc(1024 * 1024, 'some text that is easily compressed, and some that is not ');
  return keepBusy(
    tasks,
    () => new Promise((resolve) => zstdCompress(input, { params: { 100: 15 } }, () => resolve())),
  );
}

function keepPoolSyncing(directory: string, files: number): () => Promise<void> {
  const bytes = new Uint8Array(1024 * 1024).fill(1);
  const fds = Array.from({ length: files }, (_, i) =>
    openSync(join(directory, `log-write.bench.tmp.${i}`), 'w+'),
  );
  const stop = keepBusy(files, (task) => {
    const fd = fds[task] ?? 0;
    return new Promise((resolve) => write(fd, bytes, 0, bytes.length, 0, () => fsync(fd, () => resolve())));
  });
  return async () => {
    await stop();
    for (const [i, fd] of fds.entries()) {
      close(fd);
      rmSync(join(directory, `log-write.bench.tmp.${i}`));
    }
  };
}

/** `tasks` loops of asynchronous work; the result ends them. */
function keepBusy(tasks: number, work: (task: number) => Promise<void>): () => Promise<void> {
  let on = true;
  const loops = Array.from({ length: tasks }, async (_, task) => {
    while (on) await work(task);
  });
  return async () => {
    on = false;
    await Promise.all(loops);
  };
}
