/** The thread of a `LogWriter`: takes all that waits, writes it, syncs each file once, answers, and again. */
import { fdatasyncSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { viewOf } from '@holdfast/io';
import { codeOf } from '../disk-errors.ts';
import { writeFullySync } from '../positional-io.ts';
import {
  LAST,
  LogCounter,
  type LogWriterData,
  readRequestHeader,
  REQUEST_HEADER_BYTES,
} from './log-writer-protocol.ts';
import { SharedCounters } from './shared-counters.ts';
import { RingConsumer, RingProducer } from './shared-ring.ts';

const { requests, answers, counters } = workerData as LogWriterData;
serve(new RingConsumer(requests), new RingProducer(answers), new SharedCounters(counters));

function serve(consumer: RingConsumer, producer: RingProducer, counters: SharedCounters): void {
  const view = viewOf(consumer.bytes);
  /** Requests of this batch that are complete, with their files. */
  const complete: { readonly id: number; readonly fd: number }[] = [];
  /** Requests that have failed, some of whose parts may still come. */
  const failures = new Map<number, string>();

  const take = (start: number, end: number, tag: number): void => {
    const { id, fd, offset } = readRequestHeader(view, start);
    counters.add(LogCounter.bytes, end - start - REQUEST_HEADER_BYTES);
    try {
      writeFullySync(fd, consumer.bytes, start + REQUEST_HEADER_BYTES, end, offset);
    } catch (error) {
      failures.set(id, codeOf(error) ?? 'EIO');
    }
    if (tag === LAST) complete.push({ id, fd });
  };

  const syncAndAnswer = (): void => {
    const synced = new Map<number, string>();
    for (const { id, fd } of complete) {
      if (!synced.has(fd)) synced.set(fd, sync(fd));
      answer(producer, id, failures.get(id) ?? synced.get(fd) ?? '');
      failures.delete(id);
    }
    counters.add(LogCounter.requests, complete.length);
    counters.add(LogCounter.syncs, synced.size);
    complete.length = 0;
    producer.publish();
  };

  while (!consumer.ended) {
    consumer.wait();
    // The space goes back before the sync: the next batch fills it meanwhile.
    if (consumer.takeAll(take) > 0) counters.add(LogCounter.batches, 1);
    syncAndAnswer();
  }
}

/** The code of the failure, or nothing. A failed sync is reported as such, whatever the system calls it. */
function sync(fd: number): string {
  try {
    fdatasyncSync(fd);
    return '';
  } catch (error) {
    return `sync:${codeOf(error) ?? 'EIO'}`;
  }
}

function answer(producer: RingProducer, id: number, code: string): void {
  let at = producer.reserve(code.length, id);
  while (at < 0) {
    producer.waitForRoom(code.length);
    at = producer.reserve(code.length, id);
  }
  for (let i = 0; i < code.length; i++) producer.bytes[at + i] = code.charCodeAt(i);
}
