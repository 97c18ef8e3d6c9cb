import { assert, type Kernels, unreachable, viewOf } from '@holdfast/io';
import {
  BATCH_OPS_MAX,
  Consistency,
  DataRequestBuilder,
  type DataRequestHead,
  FRAME_HEADER_BYTES,
  OpKind,
  TRACE_CONTEXT_BYTES,
} from '@holdfast/wire';
import type { OpList } from '../engine/op-list.ts';
import { KEYSPACE_UNRESOLVED, type PendingOp } from '../engine/pending-op.ts';
import { BATCH_BYTES_TARGET, BATCH_SKIPS_MAX } from '../limits.ts';
import type { NodeLink } from './node-link.ts';
import { SentBatch } from './sent-batch.ts';

/** A reusable {@link DataRequestHead}. */
class BatchHead implements DataRequestHead {
  deadlineMs = 0;
  consistency: Consistency = Consistency.strong;
  maxStalenessMs = 0;
  minRevision = 0;
}

/**
 * Turns a queue of operations into frames. One frame has one read level, so reads of other levels stay in the queue
 * for the next; writes travel with any. Encodes straight into the wire's builder.
 */
export class Batcher {
  readonly #builder = new DataRequestBuilder();
  readonly #head = new BatchHead();

  /** Takes operations from the front of a queue that is not empty into one frame. */
  take(
    link: NodeLink,
    queue: OpList<PendingOp>,
    requestId: number,
    version: number,
    frameBytesMax: number,
    nowMs: number,
    kernels: Kernels,
  ): { readonly batch: SentBatch; readonly frame: Uint8Array } {
    const builder = this.#builder;
    const head = this.#head;
    const batch = new SentBatch(link, requestId, nowMs);
    head.deadlineMs = 0;
    head.consistency = Consistency.strong;
    head.maxStalenessMs = 0;
    head.minRevision = 0;
    const bytesMax = Math.min(BATCH_BYTES_TARGET, frameBytesMax - FRAME_HEADER_BYTES - TRACE_CONTEXT_BYTES);
    let level: PendingOp | undefined;
    let bytes = 0;
    let skips = 0;
    let next: PendingOp | undefined;
    for (let op = queue.first; op !== undefined; op = next) {
      next = op.listNext;
      if (!op.isWrite && level !== undefined && !sameLevel(level, op)) {
        if (++skips > BATCH_SKIPS_MAX) break;
        continue;
      }
      bytes += op.bytes;
      if (batch.count > 0 && (bytes > bytesMax || batch.count === BATCH_OPS_MAX)) break;
      if (!op.isWrite && level === undefined) {
        level = op;
        head.consistency = op.consistency;
        head.maxStalenessMs = op.maxStalenessMs;
        head.minRevision = op.minRevision;
      }
      // Its deadline may be a moment away; the timer decides that, and 0 would mean "none".
      op.deadlineMs = Math.max(1, Math.ceil(op.deadlineAtMs - nowMs));
      if (op.deadlineMs > head.deadlineMs) head.deadlineMs = op.deadlineMs;
      queue.remove(op);
      encodeOp(builder, op);
      batch.add(op);
    }
    return { batch, frame: builder.toFrame(kernels, requestId, version, head) };
  }
}

function sameLevel(a: PendingOp, b: PendingOp): boolean {
  return (
    a.consistency === b.consistency &&
    a.maxStalenessMs === b.maxStalenessMs &&
    a.minRevision === b.minRevision
  );
}

function encodeOp(builder: DataRequestBuilder, op: PendingOp): void {
  const { route, keyspace, kind } = op;
  assert(route !== undefined && keyspace !== KEYSPACE_UNRESOLVED, 'a queued operation has its range');
  const id = keyspace;
  switch (kind) {
    case OpKind.get:
      builder.get(route.rangeId, id, op.key, op.revision, op.deadlineMs);
      break;
    case OpKind.getRevision:
      builder.getRevision(route.rangeId, id, op.key, op.revision, op.deadlineMs);
      break;
    case OpKind.put:
      builder.put(route.rangeId, id, op.key, op.value, op);
      break;
    case OpKind.delete:
      builder.delete(route.rangeId, id, op.key, op);
      break;
    case OpKind.scan:
      builder.scan(route.rangeId, id, op.clipStart, op.clipEnd, op);
      break;
    case OpKind.increment:
      builder.increment(route.rangeId, id, op.key, Number(viewOf(op.value).getBigInt64(0, true)), op);
      break;
    case OpKind.transaction:
      builder.transaction(route.rangeId, id, op.key, op.value, op);
      break;
    case OpKind.deleteRange:
      builder.deleteRange(route.rangeId, id, op.clipStart, op.clipEnd, op);
      break;
    case OpKind.lookup:
      builder.lookup(route.rangeId, op.key, op.deadlineMs);
      break;
    default:
      unreachable(kind, 'operation kind');
  }
}
