import type { Operation } from './history.ts';

/** `amount` is above 0. */
export type CounterCall = { readonly kind: 'add'; readonly amount: number } | { readonly kind: 'read' };
/** The counter after the addition, or as it was read. */
export interface CounterResult {
  readonly value: number;
}

type Recorded = Operation<CounterCall, CounterResult>;

/**
 * What is wrong with the history of one counter that starts at 0, given what it holds in the end. Additions are
 * positive, so between the sum of what had been acknowledged and the sum of what had been begun lies everything
 * that may be seen; an addition of unknown outcome counts once or not at all, never twice.
 */
export function counterProblems(operations: readonly Recorded[], final: number): readonly string[] {
  const problems: string[] = [];
  const adds = operations.filter(({ call, outcome }) => call.kind === 'add' && outcome !== 'fail');
  const acknowledged = new RunningSum(adds.filter(({ outcome }) => outcome === 'ok').map(byCompletion));
  const begun = new RunningSum(adds.map(byInvocation));
  const end = Number.POSITIVE_INFINITY;
  if (final < acknowledged.below(end))
    problems.push(`${final} in the end, ${acknowledged.below(end)} were acknowledged`);
  if (final > begun.below(end)) problems.push(`${final} in the end, only ${begun.below(end)} were sent`);
  const seen = new Map<number, Recorded>();
  for (const operation of operations) {
    const { call, result, invoked, completed } = operation;
    if (result === undefined) continue;
    const own = call.kind === 'add' ? call.amount : 0;
    const { value } = result;
    const low = acknowledged.below(invoked) + own;
    const high = begun.below(completed);
    if (value < low || value > high)
      problems.push(`${JSON.stringify(operation)} shows ${value}, which is not in ${low} .. ${high}`);
    if (call.kind !== 'add') continue;
    const twin = seen.get(value);
    if (twin !== undefined)
      problems.push(`two additions made ${value}: ${JSON.stringify([twin, operation])}`);
    seen.set(value, operation);
  }
  return [...problems, ...orderProblems(operations)];
}

/** Nothing that began after something else had ended sees less. */
function orderProblems(operations: readonly Recorded[]): readonly string[] {
  const problems: string[] = [];
  const done = operations.filter(({ result }) => result !== undefined);
  const byEnd = done.toSorted((a, b) => a.completed - b.completed);
  let next = 0;
  let most = 0;
  for (const operation of done.toSorted((a, b) => a.invoked - b.invoked)) {
    for (; next < byEnd.length && byEnd[next]!.completed < operation.invoked; next++)
      most = Math.max(most, byEnd[next]!.result?.value ?? 0);
    const value = operation.result?.value ?? 0;
    if (value < most) problems.push(`${JSON.stringify(operation)} shows ${value} after ${most}`);
  }
  return problems;
}

interface Step {
  readonly at: number;
  readonly amount: number;
}

const byCompletion = ({ call, completed }: Recorded): Step => ({ at: completed, amount: amountOf(call) });
const byInvocation = ({ call, invoked }: Recorded): Step => ({ at: invoked, amount: amountOf(call) });

function amountOf(call: CounterCall): number {
  return call.kind === 'add' ? call.amount : 0;
}

/** Sums of what comes before a place in the sequence of events. */
class RunningSum {
  readonly #places: readonly number[];
  /** `#sums[i]` is the sum of the first `i` steps. */
  readonly #sums: readonly number[];

  constructor(steps: readonly Step[]) {
    const sorted = steps.toSorted((a, b) => a.at - b.at);
    this.#places = sorted.map(({ at }) => at);
    const sums = [0];
    for (const { amount } of sorted) sums.push(sums.at(-1)! + amount);
    this.#sums = sums;
  }

  below(place: number): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#places[middle]! < place) low = middle + 1;
      else high = middle;
    }
    return this.#sums[low]!;
  }
}
