/** The other threads of `threads.bench.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Shareable } from '@holdfast/io';
import { SharedMap } from '../src/threads/shared-map.ts';
import { SharedMutex } from '../src/threads/shared-mutex.ts';
import { RingConsumer, RingProducer } from '../src/threads/shared-ring.ts';

export type BenchPart =
  /** Sends every batch back: over rings, or over messages when there are none. */
  | {
      readonly kind: 'echo';
      readonly requests?: SharedArrayBuffer;
      readonly answers?: SharedArrayBuffer;
    }
  /** Reads and writes keys for as long as `memory` word 1 is 0; word 0 is the mutex. */
  | {
      readonly kind: 'map-load';
      readonly map: Shareable<SharedArrayBuffer>;
      readonly memory: SharedArrayBuffer;
      readonly locked: boolean;
    };

if (parentPort !== null) run(workerData as BenchPart);

function run(part: BenchPart): void {
  if (part.kind === 'map-load') loadMap(part);
  else if (part.requests === undefined || part.answers === undefined) {
    parentPort?.on('message', (batch: unknown) => parentPort?.postMessage(batch));
  } else echo(new RingConsumer(part.requests), new RingProducer(part.answers));
}

function echo(consumer: RingConsumer, producer: RingProducer): void {
  while (!consumer.ended) {
    consumer.wait();
    consumer.takeAll((start, end, tag) => {
      const at = producer.reserve(end - start, tag);
      producer.bytes.set(consumer.bytes.subarray(start, end), at);
    });
    producer.publish();
  }
}

function loadMap({ map, memory, locked }: Extract<BenchPart, { readonly kind: 'map-load' }>): void {
  const shared = new SharedMap(map);
  const words = new Int32Array(memory);
  const mutex = new SharedMutex(words, 0);
  let key = 0;
  while (Atomics.load(words, 1) === 0) {
    key = (key + 7919) % 10_000;
    if (locked) mutex.run(() => shared.get(0, key));
    else shared.get(0, key);
    if (key % 16 === 0) {
      if (locked) mutex.run(() => shared.set(0, key, 1));
      else shared.set(0, key, 1);
    }
  }
}
