import type { Atomic, AtomicResult, Keyspace, StoredItem } from '@holdfast/client';
import { type Random, randomChance } from '@holdfast/io';

/** Half of the transactions carry an idempotency key: these are sent again when nobody answers. */
export function maybeOnce(random: Random, name: string): { readonly idempotencyKey?: string } {
  return randomChance(random, 0.5) ? { idempotencyKey: name } : {};
}

/** Values and revisions of keys of one range, all of one moment: a transaction that only reads. */
export async function readTogether<T>(
  keyspace: Keyspace<T>,
  keys: readonly string[],
  deadlineMs: number,
): Promise<ReadonlyMap<string, StoredItem<T> | undefined>> {
  const reads = keyspace.atomic();
  for (const key of keys) reads.get(key);
  const { results } = await reads.commit({ deadlineMs });
  return new Map(keys.map((key, i) => [key, results[i] as StoredItem<T> | undefined]));
}

/** The transaction happens only if nobody has written these keys since they were read. */
export function checkUnchanged<T>(
  transaction: Atomic<T>,
  items: ReadonlyMap<string, StoredItem<T> | undefined>,
): void {
  for (const [key, item] of items) transaction.check(key, { revision: item?.revision ?? 0 });
}

/** Attempts of one operation while others get in between. */
const ATTEMPTS_MAX = 3;

/**
 * Attempts until one commits. Undefined: each found what it had read changed, or had nothing to do, and wrote nothing.
 *
 * @param judged called for each verdict. One that says no has gone through the log as well: of those who want the same
 * keys somebody gets on, and nobody else is promised to.
 */
export async function attempt(
  transaction: () => Promise<AtomicResult | undefined>,
  judged: () => void,
): Promise<AtomicResult | undefined> {
  for (let i = 0; i < ATTEMPTS_MAX; i++) {
    const result = await transaction();
    if (result === undefined) return undefined;
    judged();
    if (result.committed) return result;
  }
  return undefined;
}
