import type { Operation } from './history.ts';

/** Every key is written once, with a time to live, and read by everybody. `deaths`: processes that had died so far. */
export type ExpiryCall =
  | { readonly kind: 'write'; readonly ttlMs: number }
  | { readonly kind: 'read'; readonly deaths: number };

export interface ExpiryResult {
  /** Whether the value was there. */
  readonly seen: boolean;
  readonly deaths: number;
}

type Recorded = Operation<ExpiryCall, ExpiryResult>;

/**
 * What is due is hidden, and stays hidden: once a strong read finds nothing where a value had been, no strong read
 * that begins later finds it again, whoever leads by then and whatever the clocks say. A process that has died knows
 * only what its log says of the time, so pairs of reads with a death in between say nothing. And nobody sees a value
 * that was never written, or certainly not.
 */
export function expiryProblems(operations: readonly Recorded[]): readonly string[] {
  const problems: string[] = [];
  const byKey = new Map<string, Recorded[]>();
  for (const operation of operations) {
    const known = byKey.get(operation.key);
    if (known === undefined) byKey.set(operation.key, [operation]);
    else known.push(operation);
  }
  for (const ofKey of byKey.values()) problems.push(...problemsOf(ofKey));
  return problems;
}

function problemsOf(operations: readonly Recorded[]): readonly string[] {
  const write = operations.find(({ call }) => call.kind === 'write');
  const reads = operations.filter(({ call, outcome }) => call.kind === 'read' && outcome === 'ok');
  const seen = reads.filter(({ result }) => result?.seen === true);
  const problems: string[] = [];
  for (const read of seen) {
    if (write === undefined || write.outcome === 'fail' || write.invoked > read.completed)
      problems.push(`${JSON.stringify(read)} sees what was not written`);
  }
  // From here on the value was there.
  const there = Math.min(
    write?.outcome === 'ok' ? write.completed : Number.POSITIVE_INFINITY,
    ...seen.map(({ completed }) => completed),
  );
  for (const hidden of reads) {
    if (hidden.result?.seen !== false || hidden.invoked < there) continue;
    const again = seen.find((read) => read.invoked > hidden.completed && !diedBetween(hidden, read));
    if (again !== undefined) problems.push(`${JSON.stringify(again)} after ${JSON.stringify(hidden)}`);
  }
  return problems;
}

function diedBetween({ call }: Recorded, { result }: Recorded): boolean {
  return call.kind !== 'read' || call.deaths !== result?.deaths;
}
