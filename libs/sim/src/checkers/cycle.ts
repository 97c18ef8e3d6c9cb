import { type CounterCall, counterProblems, type CounterResult } from './counter.ts';
import type { Operation } from './history.ts';

export type CycleCall =
  /** Makes the ring, unless it is there. */
  | { readonly kind: 'open' }
  /** Moves one node of the ring behind its successor. */
  | { readonly kind: 'swap'; readonly node: number }
  /** Looks at all nodes in one moment. */
  | { readonly kind: 'read' };

/** `next[i]` is the successor of node `i`; undefined where there is none. */
export type Ring = readonly (number | undefined)[];
export type CycleResult =
  | { readonly kind: 'done' }
  /** How many swaps there had been, this one included. */
  | { readonly kind: 'swapped'; readonly swaps: number }
  | { readonly kind: 'ring'; readonly next: Ring; readonly swaps: number };

type Recorded = Operation<CycleCall, CycleResult>;

/**
 * What is wrong with the history of one ring of nodes (FoundationDB's Cycle), given what it is in the end. A swap writes
 * three nodes: seen half, lost half or done on what has changed meanwhile, it breaks the ring in two or leaves nodes out.
 * The swaps count themselves, so that one that is lost or done twice as a whole is found too.
 */
export function cycleProblems(
  operations: readonly Recorded[],
  final: { readonly next: Ring; readonly swaps: number },
): readonly string[] {
  const problems: string[] = [];
  let openSince = Number.POSITIVE_INFINITY;
  for (const { result, completed } of operations) {
    const isOpen = result !== undefined && (result.kind !== 'ring' || !isBlank(result.next));
    if (isOpen) openSince = Math.min(openSince, completed);
  }
  for (const { result, invoked } of operations) {
    if (result?.kind !== 'ring') continue;
    const problem = ringProblem(result.next, openSince < invoked);
    if (problem !== undefined) problems.push(problem);
  }
  const problem = ringProblem(final.next, openSince < Number.POSITIVE_INFINITY);
  if (problem !== undefined) problems.push(`in the end ${problem}`);
  return [...problems, ...counterProblems(operations.flatMap(counted), final.swaps)];
}

function isBlank(next: Ring): boolean {
  return next.every((node) => node === undefined);
}

function ringProblem(next: Ring, mustBeThere: boolean): string | undefined {
  const shown = JSON.stringify(next.map((node) => node ?? null));
  if (isBlank(next)) return mustBeThere ? 'the ring is gone' : undefined;
  let node = 0;
  for (let steps = 1; steps <= next.length; steps++) {
    const successor = next[node];
    if (successor === undefined) return `node ${node} has no successor: ${shown}`;
    node = successor;
    if (node === 0)
      return steps === next.length ? undefined : `the ring closes after ${steps} nodes: ${shown}`;
  }
  return `the ring does not come back to its first node: ${shown}`;
}

/** Swaps as additions of 1 to a counter, looks at the ring as its reads. */
function counted(operation: Recorded): readonly Operation<CounterCall, CounterResult>[] {
  const { call, result } = operation;
  if (call.kind === 'open') return [];
  const counter: CounterCall = call.kind === 'swap' ? { kind: 'add', amount: 1 } : { kind: 'read' };
  const value = result === undefined || result.kind === 'done' ? undefined : { value: result.swaps };
  return [{ ...operation, call: counter, result: value }];
}
