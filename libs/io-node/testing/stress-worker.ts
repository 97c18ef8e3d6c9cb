/** The other threads of the stress tests: each case is one thread's part. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, Prng } from '@holdfast/io';
import { SharedCounters } from '../src/threads/shared-counters.ts';
import { SharedHandles } from '../src/threads/shared-handles.ts';
import { SharedMap } from '../src/threads/shared-map.ts';
import { SharedMutex } from '../src/threads/shared-mutex.ts';
import { RingConsumer, RingProducer } from '../src/threads/shared-ring.ts';
import { recordByte, recordLength, type StressPart } from './stress-parts.ts';

const part = workerData as StressPart;
parentPort?.postMessage(run(part));

function run(part: StressPart): unknown {
  switch (part.kind) {
    case 'ring-producer': {
      const producer = new RingProducer(part.ring);
      const random = new Prng(part.seed);
      for (let i = 0; i < part.records; i++) {
        const length = recordLength(i);
        let offset = producer.reserve(length, i);
        while (offset < 0) {
          producer.waitForRoom(length);
          offset = producer.reserve(length, i);
        }
        producer.bytes.fill(recordByte(i), offset, offset + length);
        if (random.nextU32() % 8 === 0) producer.publish();
      }
      producer.close();
      return 'done';
    }
    case 'ring-consumer': {
      const consumer = new RingConsumer(part.ring);
      let next = 0;
      while (!consumer.ended) {
        consumer.wait();
        consumer.takeAll((start, end, tag) => {
          assert(tag === next && end - start === recordLength(next), `record ${next}`);
          for (let i = start; i < end; i++)
            assert(consumer.bytes[i] === recordByte(next), `bytes of ${next}`);
          next++;
        });
      }
      return next;
    }
    case 'mutex': {
      const words = new Int32Array(part.memory);
      const mutex = new SharedMutex(words, 0);
      // Two plain words, changed together under the lock only.
      for (let i = 0; i < part.rounds; i++) {
        mutex.run(() => {
          assert(words[1] === words[2], 'nobody is inside');
          words[1] += 1;
          words[2] += 1;
        });
      }
      return 'done';
    }
    case 'counters': {
      const counters = new SharedCounters(part.memory);
      for (let i = 0; i < part.rounds; i++) counters.add(i % counters.length, part.amount);
      return 'done';
    }
    case 'map': {
      const map = new SharedMap(part.map);
      // Threads own disjoint values of the same keys: whatever is read must have been written by somebody.
      const random = new Prng(part.seed);
      let balance = 0;
      for (let i = 0; i < part.rounds; i++) {
        const key = random.nextU32() % part.keys;
        // Equal low words, so that half of the keys meet in unsettled slots.
        const high = key % 64;
        const low = key >> 6;
        const value = key * 16 + part.thread;
        if (random.nextU32() % 3 === 0) balance -= map.delete(high, low) < 0 ? 0 : 1;
        else balance += map.set(high, low, value) === -1 ? 1 : 0;
        const seen = map.get(high, low);
        assert(seen === -1 || seen >> 4 === key, `a value of another key: ${seen} at ${key}`);
      }
      return balance;
    }
    case 'map-insert': {
      const map = new SharedMap(part.map);
      let won = 0;
      for (let key = 0; key < part.keys; key++) {
        if (map.compareAndSet(key % 64, key >> 6, -1, part.thread) === -1) won++;
      }
      return won;
    }
    case 'handles': {
      const handles = new SharedHandles(part.handles);
      const alive = new Int32Array(part.alive);
      let removed = 0;
      for (let i = 0; i < part.rounds; i++) {
        const id = i % part.ids;
        if (part.thread === 0 && i >= part.rounds - part.ids) {
          if (handles.retire(id)) removed += remove(alive, id);
        } else if (handles.acquire(id)) {
          assert(Atomics.load(alive, id) === 1, 'nobody removed what is held');
          if (handles.release(id)) removed += remove(alive, id);
        }
      }
      return removed;
    }
  }
}

function remove(alive: Int32Array, id: number): number {
  assert(Atomics.exchange(alive, id, 0) === 1, 'a thing is removed once');
  return 1;
}
