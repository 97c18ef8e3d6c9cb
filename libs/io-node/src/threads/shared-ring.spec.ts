import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordByte, recordLength, runPart, STRESS_MS_MAX } from '../../testing/stress-parts.ts';
import { Doorbell, DOORBELL_BYTES } from './doorbell.ts';
import { allocateRing, RingConsumer, RingProducer } from './shared-ring.ts';

const pair = (capacityBytes: number) => {
  const memory = allocateRing(capacityBytes);
  return { producer: new RingProducer(memory), consumer: new RingConsumer(memory) };
};

describe('the shared ring', () => {
  it('gives what was published, in order, with tags', () => {
    const { producer, consumer } = pair(256);
    expect(producer.push(Uint8Array.of(1, 2, 3), 7)).toBe(true);
    expect(consumer.ready).toBe(false);
    producer.push(Uint8Array.of(4), 8);
    producer.publish();
    const taken: unknown[] = [];
    consumer.takeAll((start, end, tag) => taken.push([tag, ...consumer.bytes.subarray(start, end)]));
    expect(taken).toEqual([
      [7, 1, 2, 3],
      [8, 4],
    ]);
    expect(producer.usedBytes).toBe(0);
  });

  it('is bounded: full until the consumer gives space back', () => {
    const { producer, consumer } = pair(256);
    const record = new Uint8Array(56);
    for (let i = 0; i < 4; i++) expect(producer.push(record)).toBe(true);
    expect(producer.push(new Uint8Array(0))).toBe(false);
    expect(producer.usedBytes).toBe(256);
    producer.publish();
    consumer.takeAll(() => expect(producer.usedBytes).toBe(256));
    expect(producer.push(record)).toBe(true);
  });

  it('refuses a record that would never fit', () => {
    const { producer } = pair(256);
    expect(producer.reserve(producer.payloadBytesMax)).toBeGreaterThan(0);
    expect(() => producer.reserve(producer.payloadBytesMax + 1)).toThrow(/half/);
    expect(() => allocateRing(100)).toThrow(/power of two/);
  });

  it('ends after what was pushed before the close', () => {
    const { producer, consumer } = pair(256);
    producer.push(Uint8Array.of(1));
    producer.close();
    expect(consumer.ended).toBe(false);
    expect(consumer.takeAll(() => undefined)).toBe(1);
    expect(consumer.ended).toBe(true);
    consumer.wait();
  });

  it('is a bounded queue under any mixture of pushes, publishes and takes', () => {
    const step = fc.oneof(
      fc.nat({ max: 56 }).map((length) => ({ kind: 'push' as const, length })),
      fc.constant({ kind: 'publish' as const }),
      fc.constant({ kind: 'take' as const }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { producer, consumer } = pair(128);
        const open: string[] = [];
        const published: string[] = [];
        let tag = 0;
        for (const action of steps) {
          if (action.kind === 'push') {
            const payload = new Uint8Array(action.length).fill(tag);
            if (producer.push(payload, ++tag)) open.push(`${tag}:${payload.join()}`);
            else expect(open.length + published.length).toBeGreaterThan(0);
          } else if (action.kind === 'publish') {
            producer.publish();
            published.push(...open.splice(0));
          } else {
            const taken: string[] = [];
            consumer.takeAll((start, end, t) =>
              taken.push(`${t}:${consumer.bytes.slice(start, end).join()}`),
            );
            expect(taken).toEqual(published.splice(0));
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('counts on past 2^32 bytes', () => {
    const memory = allocateRing(128);
    const words = new Int32Array(memory);
    // Head and tail stand shortly before the wrap.
    words[0] = words[16] = -64;
    const producer = new RingProducer(memory);
    const consumer = new RingConsumer(memory);
    for (let i = 0; i < 10; i++) {
      expect(producer.push(Uint8Array.of(i), i)).toBe(true);
      producer.publish();
      expect(consumer.takeAll((start, _, tag) => expect([consumer.bytes[start], tag]).toEqual([i, i]))).toBe(
        1,
      );
    }
  });

  it('wakes an asynchronous consumer and an asynchronous producer', async () => {
    const { producer, consumer } = pair(256);
    const woken = consumer.waitAsync();
    producer.push(new Uint8Array(120));
    producer.publish();
    await woken;
    expect(consumer.ready).toBe(true);
    producer.push(new Uint8Array(120));
    const room = producer.waitForRoomAsync(100);
    consumer.takeAll(() => undefined);
    await room;
    expect(producer.push(new Uint8Array(100))).toBe(true);
  });

  it(
    'hands 100,000 records from a thread to this one',
    async () => {
      const ring = allocateRing(4096);
      const records = 100_000;
      const worker = runPart({ kind: 'ring-producer', ring, records, seed: 1 });
      const consumer = new RingConsumer(ring);
      let next = 0;
      while (!consumer.ended) {
        await consumer.waitAsync();
        consumer.takeAll((start, end, tag) => {
          const right =
            tag === next &&
            end - start === recordLength(next) &&
            (start === end || consumer.bytes[start] === recordByte(next));
          if (!right) expect.fail(`record ${next} is ${tag}, ${end - start} bytes`);
          next++;
        });
      }
      expect(next).toBe(records);
      expect(await worker).toBe('done');
    },
    STRESS_MS_MAX,
  );

  it(
    'hands 200,000 records from one thread to another, both blocking',
    async () => {
      const ring = allocateRing(1024);
      const [, taken] = await Promise.all([
        runPart({ kind: 'ring-producer', ring, records: 200_000, seed: 2 }),
        runPart({ kind: 'ring-consumer', ring }),
      ]);
      expect(taken).toBe(200_000);
    },
    STRESS_MS_MAX,
  );

  it('lets several producers share one doorbell', async () => {
    const bell = new Doorbell(new SharedArrayBuffer(DOORBELL_BYTES));
    const memories = [allocateRing(256), allocateRing(256)];
    const producers = memories.map((memory) => new RingProducer(memory, bell));
    const consumers = memories.map((memory) => new RingConsumer(memory, bell));
    const woken = bell.waitAsync(() => consumers.some((consumer) => consumer.ready));
    producers[1]?.push(Uint8Array.of(1));
    producers[1]?.publish();
    await woken;
    expect(consumers.map((consumer) => consumer.ready)).toEqual([false, true]);
  });
});
