import type { Operation, RegisterCall, RegisterResult } from './history.ts';

/** A sequential object. States are strings, so that they can be compared and remembered. */
export interface Model<Call, Result> {
  readonly initial: string;
  /**
   * The state after `call` gave `result`, or undefined when it cannot have given that in `state`.
   * `result` is undefined when the outcome is unknown: then any result will do.
   */
  step(state: string, call: Call, result: Result | undefined): string | undefined;
  /** True when the effect of `call` depends on the state before it; a blind write hides what it replaces. */
  observes(call: Call): boolean;
  /** Operations with a smaller rank are tried first: a guess at their order that costs nothing when wrong. */
  rank?(result: Result): number | undefined;
}

const ABSENT = '-';
const present = (value: string): string => `=${value}`;

/**
 * One key: get, put, delete, compare-and-set. The state is the value behind the newest revision seen: where
 * results tell revisions, they never go back, which leaves the search little to choose from.
 */
export const registerModel: Model<RegisterCall, RegisterResult> = {
  initial: `0 ${ABSENT}`,
  rank: (result) => result.revision,
  observes: (call) => call.kind === 'get' || call.kind === 'cas',
  step(state, call, result) {
    const space = state.indexOf(' ');
    const newest = Number(state.slice(0, space));
    const content = state.slice(space + 1);
    const revision = result?.revision ?? 0;
    if (revision !== 0 && revision < newest) return undefined;
    const seen = Math.max(newest, revision);
    const written = (after: string): string | undefined =>
      revision !== 0 && revision === newest ? undefined : `${seen} ${after}`;
    switch (call.kind) {
      case 'get':
        if (result?.kind !== 'value') return state;
        return contentOf(result.value) === content ? `${seen} ${content}` : undefined;
      case 'put':
        return written(present(call.value));
      case 'delete':
        return written(ABSENT);
      case 'cas': {
        const holds = content === contentOf(call.expected);
        if (result === undefined) return holds ? `${newest} ${present(call.value)}` : state;
        if (holds !== (result.kind === 'done')) return undefined;
        if (holds) return written(present(call.value));
        return result.revision === 0 && content !== ABSENT ? undefined : `${seen} ${content}`;
      }
    }
  },
};

function contentOf(value: string | undefined): string {
  return value === undefined ? ABSENT : present(value);
}

export interface Verdict {
  readonly verdict: 'ok' | 'violation' | 'unknown';
  /** Configurations examined. */
  readonly explored: number;
  /** For a violation: the operation that no order can explain, as far as the search came. */
  readonly stuckAt: Operation<unknown, unknown> | undefined;
  readonly key: string | undefined;
}

interface Frame {
  readonly state: string;
  /** Definite operations in order of completion: all before this one are placed. */
  readonly placedPrefix: number;
  /** Unknown operations placed so far, one bit each. */
  readonly usedUnknown: bigint;
  readonly candidates: readonly number[];
  next: number;
  /** What was placed to get here; -1 at the root. */
  readonly placed: number;
}

/**
 * Linearizability of one object: Wing and Gong's search (1993) with Lowe's memory of configurations (2017).
 * An unknown operation may be placed anywhere after its invocation, or nowhere; a configuration that has used
 * a superset of another's unknown operations, all else equal, cannot do better and is cut.
 *
 * @param exploredMax bounds time and memory; beyond it the verdict is `unknown`.
 */
export function checkObject<Call, Result>(
  operations: readonly Operation<Call, Result>[],
  model: Model<Call, Result>,
  exploredMax = 300_000,
): Verdict {
  const definite = operations
    .filter(({ outcome }) => outcome === 'ok')
    .sort((a, b) => a.completed - b.completed);
  const unknown = operations
    .filter(({ outcome }) => outcome === 'info' || outcome === 'open')
    .sort((a, b) => a.invoked - b.invoked);
  const all = [...definite, ...unknown];
  const seen = new Map<string, bigint[]>();
  const placed = new Uint8Array(all.length);
  const rank = Float64Array.from(all, ({ result }) =>
    result === undefined ? Number.MAX_VALUE : (model.rank?.(result) ?? Number.MAX_VALUE),
  );
  const twinBefore = twins(all, definite.length);
  // No operation from here on was invoked before this.
  const invokedFrom = Float64Array.from(definite, ({ invoked }) => invoked);
  for (let i = definite.length - 2; i >= 0; i--)
    invokedFrom[i] = Math.min(invokedFrom[i], invokedFrom[i + 1]);
  let explored = 0;
  let furthest = 0;
  /** Beyond this no definite operation was ever placed. */
  let horizon = 0;

  const candidatesOf = (prefix: number): number[] => {
    const deadline = definite[prefix].completed;
    const candidates: number[] = [];
    for (let i = prefix; i < definite.length && invokedFrom[i] < deadline; i++) {
      if (placed[i] === 0 && definite[i].invoked < deadline) candidates.push(i);
    }
    for (let i = definite.length; i < all.length; i++) {
      if (all[i].invoked >= deadline) break;
      if (placed[i] === 0 && (twinBefore[i] < 0 || placed[twinBefore[i]] === 1)) candidates.push(i);
    }
    if (model.rank !== undefined) candidates.sort((a, b) => rank[a] - rank[b] || a - b);
    return candidates;
  };

  /** True when this configuration, or one at least as good, was examined before. */
  const known = (state: string, prefix: number, usedUnknown: bigint): boolean => {
    let key = `${prefix}`;
    for (let i = prefix + 1; i <= horizon; i++) if (placed[i] === 1) key += `,${i}`;
    key += `|${state}`;
    const used = seen.get(key);
    if (used === undefined) {
      seen.set(key, [usedUnknown]);
      return false;
    }
    for (const mask of used) if ((mask & usedUnknown) === mask) return true;
    used.push(usedUnknown);
    return false;
  };

  const done = (verdict: Verdict['verdict']): Verdict => ({
    verdict,
    explored,
    stuckAt: verdict === 'ok' ? undefined : definite[furthest],
    key: operations[0]?.key,
  });

  if (definite.length === 0) return done('ok');
  const stack: Frame[] = [
    {
      state: model.initial,
      placedPrefix: 0,
      usedUnknown: 0n,
      candidates: candidatesOf(0),
      next: 0,
      placed: -1,
    },
  ];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const index = frame.candidates[frame.next++];
    if (index === undefined) {
      stack.pop();
      if (frame.placed >= 0) placed[frame.placed] = 0;
      continue;
    }
    const { call, result, outcome } = all[index];
    // An unknown write that nobody looks at before it is replaced might as well never have happened.
    if (frame.placed >= definite.length && !model.observes(call)) continue;
    const state = model.step(frame.state, call, outcome === 'ok' ? result : undefined);
    if (state === undefined) continue;
    const isUnknown = index >= definite.length;
    if (!isUnknown && index > horizon) horizon = index;
    if (isUnknown && state === frame.state) continue; // Of no use now; it may be later.
    placed[index] = 1;
    let prefix = frame.placedPrefix;
    while (prefix < definite.length && placed[prefix] === 1) prefix++;
    if (prefix === definite.length) return done('ok');
    furthest = Math.max(furthest, prefix);
    const usedUnknown = isUnknown
      ? frame.usedUnknown | (1n << BigInt(index - definite.length))
      : frame.usedUnknown;
    if (known(state, prefix, usedUnknown)) {
      placed[index] = 0;
      continue;
    }
    if (++explored > exploredMax) return done('unknown');
    stack.push({
      state,
      placedPrefix: prefix,
      usedUnknown,
      candidates: candidatesOf(prefix),
      next: 0,
      placed: index,
    });
  }
  return done('violation');
}

/**
 * For each unknown operation the one before it with the same call, or -1. They are as good as each other (none
 * of them ever has to be placed), so only the first that is left is tried.
 */
function twins(operations: readonly Operation<unknown, unknown>[], firstUnknown: number): Int32Array {
  const before = new Int32Array(operations.length).fill(-1);
  const latest = new Map<string, number>();
  for (let i = firstUnknown; i < operations.length; i++) {
    const call = JSON.stringify(operations[i].call);
    before[i] = latest.get(call) ?? -1;
    latest.set(call, i);
  }
  return before;
}

/**
 * Linearizability is local (Herlihy and Wing 1990, theorem 1): a history is linearizable when each key's is.
 * Gives the worst verdict: a violation before an `unknown` before `ok`.
 */
export function checkRegisters(operations: readonly Operation[], exploredMax?: number): Verdict {
  const byKey = new Map<string, Operation[]>();
  for (const operation of operations) {
    if (operation.outcome === 'fail') continue;
    const list = byKey.get(operation.key);
    if (list === undefined) byKey.set(operation.key, [operation]);
    else list.push(operation);
  }
  let explored = 0;
  let worst: Verdict | undefined;
  for (const list of byKey.values()) {
    const verdict = checkObject(withoutUseless(list), registerModel, exploredMax);
    explored += verdict.explored;
    if (verdict.verdict === 'violation') return { ...verdict, explored };
    if (verdict.verdict === 'unknown') worst = verdict;
  }
  return { verdict: 'ok', stuckAt: undefined, key: undefined, ...worst, explored };
}

/**
 * Leaves out what cannot change the verdict: reads without an answer, and, when no comparison failed (a value
 * nobody saw could explain that), unknown writes of values that nobody saw.
 */
function withoutUseless(operations: readonly Operation[]): readonly Operation[] {
  const seen = new Set<string>();
  let mismatches = false;
  for (const { call, result, outcome } of operations) {
    if (outcome === 'ok' && result?.kind === 'value' && result.value !== undefined) seen.add(result.value);
    if (call.kind === 'cas' && call.expected !== undefined) seen.add(call.expected);
    mismatches ||= result?.kind === 'mismatch';
  }
  const useful: Operation[] = [];
  for (const operation of operations) {
    const { call, outcome } = operation;
    if (outcome === 'ok' || call.kind === 'delete') useful.push(operation);
    else if (call.kind === 'get') continue;
    else if (seen.has(call.value)) useful.push(operation);
    // One value that nobody saw is as good as another.
    else if (mismatches) useful.push({ ...operation, call: { ...call, value: UNSEEN } });
  }
  return useful;
}

/** Stands for every value that was written, perhaps, and never seen. */
const UNSEEN = '\u0000';
