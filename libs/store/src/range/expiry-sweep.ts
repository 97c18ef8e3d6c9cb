import { EMPTY_BYTES, type RangeId } from '@holdfast/io';
import type { Tree } from '@holdfast/lsm';
import type { HybridClock } from '../hybrid-clock.ts';
import { expiryKeyOf, localKeys, readExpiryKey } from '../tree-keys.ts';
import type { Replica } from './replica.ts';
import type { WriteWaiter } from './proposals.ts';

/** Keys that one sweep removes from one range; more wait for the next. */
export const SWEEP_KEYS_MAX = 500;

/** Versions whose time has come, and when the next one's does. */
export interface DueKeys {
  readonly due: readonly { readonly expiryKey: Uint8Array; readonly revision: number }[];
  /** Milliseconds since 1970; at or before `nowMs` when there is more to remove; infinite when nothing else expires. */
  readonly nextDueMs: number;
}

/** Looks from `fromMs` on, where entries that earlier sweeps removed do not have to be stepped over. */
export async function findDue(tree: Tree, range: RangeId, fromMs: number, nowMs: number): Promise<DueKeys> {
  const due: { expiryKey: Uint8Array; revision: number }[] = [];
  const start = expiryKeyOf(range, fromMs, EMPTY_BYTES);
  const cursor = tree.iterator({ start, end: localKeys(range).end });
  try {
    while (cursor.next() || (await cursor.load())) {
      const { dueMs } = readExpiryKey(cursor.key);
      if (dueMs > nowMs || due.length === SWEEP_KEYS_MAX) return { due, nextDueMs: dueMs };
      due.push({ expiryKey: cursor.key.slice(), revision: cursor.revision });
    }
  } finally {
    cursor.close();
  }
  return { due, nextDueMs: Number.POSITIVE_INFINITY };
}

export interface SweepHost {
  readonly tree: Tree;
  readonly hybridClock: HybridClock;
  /** The replica has work: a turn is owed. */
  wake(replica: Replica): void;
}

/**
 * Removes what has expired from the ranges that this node leads: reads hide it at once, a sweep only gives the space
 * back and tells those who watch. Costs nothing in ranges without keys that expire.
 */
export class ExpirySweeper {
  readonly #host: SweepHost;
  readonly #sweeping = new Set<Replica>();

  constructor(host: SweepHost) {
    this.#host = host;
  }

  tick(replicas: Iterable<Replica>): void {
    const { tree, hybridClock } = this.#host;
    for (const replica of replicas) {
      if (!replica.isLeader || this.#sweeping.has(replica)) continue;
      if (replica.expiry.earliestMs === Number.POSITIVE_INFINITY || tree.writable() !== undefined) continue;
      const nowMs = hybridClock.nowMs();
      if (replica.expiry.earliestMs > nowMs) continue;
      this.#sweeping.add(replica);
      // A damaged block or a tree that closes: nothing was removed, the next sweep tries again.
      this.#sweep(replica, nowMs).catch(() => this.#sweeping.delete(replica));
    }
  }

  async #sweep(replica: Replica, nowMs: number): Promise<void> {
    const { expiry } = replica;
    const fromMs = expiry.earliestMs;
    // What is written from here on lowers it again.
    expiry.earliestMs = Number.POSITIVE_INFINITY;
    let found: DueKeys;
    try {
      found = await findDue(this.#host.tree, replica.id, fromMs, nowMs);
    } catch (error) {
      expiry.lower(fromMs);
      throw error;
    }
    const { due, nextDueMs } = found;
    const done = (removed: boolean): void => {
      expiry.lower(removed ? nextDueMs : fromMs);
      this.#sweeping.delete(replica);
    };
    if (due.length === 0) {
      done(true);
      return;
    }
    const waiter = new SweepWaiter(due.length, done);
    for (const [op, { expiryKey, revision }] of due.entries()) {
      replica.mutation(waiter, op).expire(expiryKey, revision);
    }
    this.#host.wake(replica);
  }
}

class SweepWaiter implements WriteWaiter {
  readonly #done: (removed: boolean) => void;
  #left: number;
  #failed = false;

  constructor(ops: number, done: (removed: boolean) => void) {
    this.#left = ops;
    this.#done = done;
  }

  applied(): void {
    this.#end();
  }

  settled(): void {
    this.#end();
  }

  failed(): void {
    this.#failed = true;
    this.#end();
  }

  #end(): void {
    if (--this.#left === 0) this.#done(!this.#failed);
  }
}
