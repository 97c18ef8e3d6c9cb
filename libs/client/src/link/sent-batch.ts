import { assert } from '@holdfast/io';
import type { PendingOp } from '../engine/pending-op.ts';
import type { NodeLink } from './node-link.ts';

/** A frame on its way: which operation each answer index stands for. Slots empty as operations leave. */
export class SentBatch {
  readonly link: NodeLink;
  readonly requestId: number;
  readonly sentAtMs: number;
  readonly #ops: (PendingOp | undefined)[] = [];
  #live = 0;

  constructor(link: NodeLink, requestId: number, sentAtMs: number) {
    this.link = link;
    this.requestId = requestId;
    this.sentAtMs = sentAtMs;
  }

  /** Operations that were sent. */
  get count(): number {
    return this.#ops.length;
  }

  /** Operations that still wait here. */
  get live(): number {
    return this.#live;
  }

  add(op: PendingOp): void {
    assert(op.batch === undefined && op.list === undefined, 'an operation is in one place');
    op.batch = this;
    op.batchIndex = this.#ops.length;
    this.#ops.push(op);
    this.#live++;
  }

  /** Takes the operation out; undefined when it has left before. */
  take(index: number): PendingOp | undefined {
    const op = this.#ops[index];
    if (op === undefined) return undefined;
    this.#ops[index] = undefined;
    op.batch = undefined;
    this.#live--;
    return op;
  }
}
