import { type KeyspaceId, type NodeId, pureKernels, rangeId, utf8 } from '@holdfast/io';
import {
  BATCH_OPS_MAX,
  Consistency,
  DataRequestReader,
  FRAME_BYTES_MAX,
  FrameDecoder,
  OpKind,
} from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { OpList } from '../engine/op-list.ts';
import { PendingOp } from '../engine/pending-op.ts';
import { BATCH_BYTES_TARGET } from '../limits.ts';
import type { Operation } from '../operation.ts';
import { Route } from '../routing/route.ts';
import { Batcher } from './batcher.ts';
import type { NodeLink } from './node-link.ts';

const NO_BYTES = new Uint8Array(0);
const route = new Route({
  rangeId: rangeId(3),
  start: NO_BYTES,
  end: NO_BYTES,
  replicas: [1 as NodeId],
  leaderHint: 0,
});
// The batcher hands its link on and does not look at it.
const link = {} as NodeLink;
const sink = { done: () => undefined, failed: () => undefined };

const queueOf = (...operations: readonly Partial<Operation>[]): OpList<PendingOp> => {
  const queue = new OpList<PendingOp>();
  for (const [i, more] of operations.entries()) {
    const op = new PendingOp();
    op.begin({ kind: OpKind.get, keyspace: 7 as KeyspaceId, key: utf8(`k${i}`), ...more }, sink, i, 5000, 0);
    op.route = route;
    queue.push(op);
  }
  return queue;
};

/** Takes one frame off the queue and reads it back. */
const take = (queue: OpList<PendingOp>, nowMs = 0): { reader: DataRequestReader; tags: number[] } => {
  const { batch, frame } = new Batcher().take(link, queue, 1, 1, FRAME_BYTES_MAX, nowMs, pureKernels);
  const readers: DataRequestReader[] = [];
  new FrameDecoder(pureKernels).push(frame, ({ payload }) => readers.push(DataRequestReader.read(payload)));
  const tags = Array.from({ length: batch.count }, (_, i) => batch.take(i)!.tag);
  return { reader: readers[0], tags };
};

describe('Batcher', () => {
  it('sends what is left of each deadline', () => {
    const { reader } = take(queueOf({}, {}), 4000.5);
    expect([reader.deadlineMs, reader.opDeadlineMs(0)]).toEqual([1000, 1000]);
    expect(take(queueOf({}), 6000).reader.opDeadlineMs(0)).toBe(1);
  });

  it('keeps reads of another level for the next frame; writes travel with any', () => {
    const write: Partial<Operation> = { kind: OpKind.put, value: utf8('v') };
    const weak: Partial<Operation> = { consistency: Consistency.bounded, maxStalenessMs: 9, minRevision: 77 };
    const queue = queueOf({}, weak, write, {}, weak);
    const first = take(queue);
    expect([first.tags, first.reader.consistency]).toEqual([[0, 2, 3], Consistency.strong]);
    const second = take(queue);
    expect([
      second.tags,
      second.reader.consistency,
      second.reader.maxStalenessMs,
      second.reader.minRevision,
    ]).toEqual([[1, 4], Consistency.bounded, 9, 77]);
    expect(queue.length).toBe(0);
  });

  it('closes a frame at the largest number of operations', () => {
    const queue = queueOf(...Array.from({ length: BATCH_OPS_MAX + 3 }, () => ({})));
    expect(take(queue).tags).toHaveLength(BATCH_OPS_MAX);
    expect(take(queue).tags).toHaveLength(3);
  });

  it('closes a frame at the byte target, and sends a larger operation alone', () => {
    const value = new Uint8Array(1024 * 1024);
    const queue = queueOf({ kind: OpKind.put, value }, { kind: OpKind.put, value }, {});
    expect(value.length).toBeGreaterThan(BATCH_BYTES_TARGET);
    expect([take(queue).tags, take(queue).tags, take(queue).tags]).toEqual([[0], [1], [2]]);
  });

  it('writes every field of an operation where the node reads it', () => {
    const { reader } = take(
      queueOf(
        {
          kind: OpKind.put,
          value: utf8('v'),
          contentType: utf8('text/plain'),
          idempotencyKey: utf8('once'),
          condition: 3,
          revision: 2 ** 50 + 1,
          ttlMs: 2 ** 40,
        },
        { kind: OpKind.delete, condition: 2 },
        { kind: OpKind.get, revision: 99 },
      ),
    );
    expect(reader.value(0)).toEqual(utf8('v'));
    expect(reader.contentType(0)).toEqual(utf8('text/plain'));
    expect(reader.idempotencyKey(0)).toEqual(utf8('once'));
    expect([reader.condition(0), reader.revision(0), reader.ttlMs(0)]).toEqual([3, 2 ** 50 + 1, 2 ** 40]);
    expect([reader.kind(1), reader.condition(1), reader.ttlMs(1)]).toEqual([OpKind.delete, 2, 0]);
    expect([reader.kind(2), reader.revision(2), reader.rangeId(2), reader.keyspaceId(2)]).toEqual([
      OpKind.get,
      99,
      3,
      7,
    ]);
  });
});
