import { findCycle, type Graph, stronglyConnected } from './dependency-graph.ts';
import type { Outcome } from './history.ts';

/** One step of a transaction over lists: append a value that is used once, or read the whole list. */
export type ListStep =
  | { readonly kind: 'append'; readonly key: string; readonly value: number }
  /** `values` is undefined while unknown. */
  | { readonly kind: 'read'; readonly key: string; readonly values: readonly number[] | undefined };

export interface ListTransaction {
  readonly process: number;
  readonly steps: readonly ListStep[];
  readonly outcome: Outcome;
  /** Places in one sequence of events; see `History`. */
  readonly invoked: number;
  readonly completed: number;
}

/**
 * What is wrong, by the names of Adya (1999) and Elle (Kingsbury and Alvaro 2020): dirty write cycles (G0),
 * reads of aborted (G1a) or intermediate (G1b) values, cycles of writes and reads (G1c), with one
 * anti-dependency (G-single) or several (G2); `-realtime` when the cycle needs the order of real time.
 */
export type AnomalyName =
  | 'G0'
  | 'G1a'
  | 'G1b'
  | 'G1c'
  | 'G-single'
  | 'G2'
  | 'G0-realtime'
  | 'G1c-realtime'
  | 'G-single-realtime'
  | 'G2-realtime'
  | 'internal'
  | 'duplicate-append'
  | 'incompatible-order'
  | 'lost-append';

export interface Anomaly {
  readonly name: AnomalyName;
  readonly detail: string;
}

interface Writer {
  readonly transaction: number;
  /** The last append of its transaction to this key. */
  readonly isLast: boolean;
}

type EdgeKind = 'ww' | 'wr' | 'rw' | 'rt';

/** Checks transactions for strict serializability. Gives every anomaly of the strongest kind of each cycle. */
export function checkListAppend(transactions: readonly ListTransaction[]): readonly Anomaly[] {
  const anomalies: Anomaly[] = [];
  const report = (name: AnomalyName, detail: string): void => void anomalies.push({ name, detail });
  const writers = indexWriters(transactions, report);
  const orders = versionOrders(transactions, report);
  checkReads(transactions, writers, report);
  checkInternal(transactions, report);
  checkLost(transactions, orders, report);
  const graph = dependencies(transactions, writers, orders);
  for (const anomaly of cycles(graph)) anomalies.push(anomaly);
  return anomalies;
}

type Reporter = (name: AnomalyName, detail: string) => void;

const nameOf = (key: string, value: number): string => `${key}:${value}`;

function indexWriters(
  transactions: readonly ListTransaction[],
  report: Reporter,
): ReadonlyMap<string, Writer> {
  const writers = new Map<string, Writer>();
  for (const [index, { steps }] of transactions.entries()) {
    for (const [at, step] of steps.entries()) {
      if (step.kind !== 'append') continue;
      const name = nameOf(step.key, step.value);
      if (writers.has(name)) report('duplicate-append', `${name} is appended twice: the history is no good`);
      const isLast = !steps.slice(at + 1).some((later) => later.kind === 'append' && later.key === step.key);
      writers.set(name, { transaction: index, isLast });
    }
  }
  return writers;
}

/** The longest list that was read of each key; every other read must be a prefix of it. */
function versionOrders(
  transactions: readonly ListTransaction[],
  report: Reporter,
): ReadonlyMap<string, readonly number[]> {
  const longest = new Map<string, readonly number[]>();
  const reads = [...readsOf(transactions)];
  for (const { key, values } of reads)
    if (values.length > (longest.get(key)?.length ?? -1)) longest.set(key, values);
  for (const { key, values } of reads) {
    const order = longest.get(key) ?? [];
    if (new Set(values).size < values.length)
      report('duplicate-append', `${key} reads [${values.join(' ')}]`);
    if (values.some((value, i) => order[i] !== value)) {
      report('incompatible-order', `${key} reads [${values.join(' ')}] and [${order.join(' ')}]`);
    }
  }
  return longest;
}

function* readsOf(
  transactions: readonly ListTransaction[],
): Generator<{ readonly index: number; readonly key: string; readonly values: readonly number[] }> {
  for (const [index, { steps, outcome }] of transactions.entries()) {
    if (outcome !== 'ok') continue;
    for (const step of steps) {
      if (step.kind === 'read' && step.values !== undefined)
        yield { index, key: step.key, values: step.values };
    }
  }
}

function checkReads(
  transactions: readonly ListTransaction[],
  writers: ReadonlyMap<string, Writer>,
  report: Reporter,
): void {
  for (const { index, key, values } of readsOf(transactions)) {
    for (const value of values) {
      const writer = writers.get(nameOf(key, value));
      if (writer === undefined)
        report('G1a', `transaction ${index} reads ${nameOf(key, value)}, which nobody appended`);
      else if (transactions[writer.transaction].outcome === 'fail') {
        report(
          'G1a',
          `transaction ${index} reads ${nameOf(key, value)} of transaction ${writer.transaction}, which failed`,
        );
      }
    }
    const newest = values.at(-1);
    const writer = newest === undefined ? undefined : writers.get(nameOf(key, newest));
    if (writer !== undefined && !writer.isLast && writer.transaction !== index) {
      report('G1b', `transaction ${index} sees transaction ${writer.transaction} half done at ${key}`);
    }
  }
}

/** A transaction sees its own appends, and its reads of a key agree with each other. */
function checkInternal(transactions: readonly ListTransaction[], report: Reporter): void {
  for (const [index, { steps, outcome }] of transactions.entries()) {
    if (outcome !== 'ok') continue;
    const tails = new Map<string, { readonly whole: boolean; readonly values: readonly number[] }>();
    for (const step of steps) {
      const known = tails.get(step.key) ?? { whole: false, values: [] };
      if (step.kind === 'append') {
        tails.set(step.key, { whole: known.whole, values: [...known.values, step.value] });
        continue;
      }
      if (step.values === undefined) continue;
      const tail = step.values.slice(known.whole ? 0 : Math.max(0, step.values.length - known.values.length));
      if (tail.length !== known.values.length || tail.some((value, i) => value !== known.values[i])) {
        if (known.whole || known.values.length > 0) {
          report('internal', `transaction ${index} reads ${step.key} [${step.values.join(' ')}]`);
        }
      }
      tails.set(step.key, { whole: true, values: step.values });
    }
  }
}

/** An append that was acknowledged before a read of the longest list began, and is not in it. */
function checkLost(
  transactions: readonly ListTransaction[],
  orders: ReadonlyMap<string, readonly number[]>,
  report: Reporter,
): void {
  const begun = new Map<string, number>();
  for (const { index, key, values } of readsOf(transactions)) {
    if (values.length !== orders.get(key)?.length) continue;
    begun.set(key, Math.max(begun.get(key) ?? 0, transactions[index].invoked));
  }
  for (const [index, { steps, outcome, completed }] of transactions.entries()) {
    if (outcome !== 'ok') continue;
    for (const step of steps) {
      if (step.kind !== 'append' || completed >= (begun.get(step.key) ?? 0)) continue;
      if (orders.get(step.key)?.includes(step.value) === true) continue;
      report(
        'lost-append',
        `${nameOf(step.key, step.value)} of transaction ${index} is missing from a later read`,
      );
    }
  }
}

function dependencies(
  transactions: readonly ListTransaction[],
  writers: ReadonlyMap<string, Writer>,
  orders: ReadonlyMap<string, readonly number[]>,
): Graph<EdgeKind> {
  const graph: Graph<EdgeKind> = transactions.map(() => []);
  const edge = (from: number | undefined, to: number | undefined, kind: EdgeKind): void => {
    if (from !== undefined && to !== undefined && from !== to) graph[from].push({ to, kind });
  };
  const writerOf = (key: string, value: number | undefined): number | undefined =>
    value === undefined ? undefined : writers.get(nameOf(key, value))?.transaction;
  for (const [key, order] of orders) {
    for (let i = 1; i < order.length; i++) edge(writerOf(key, order[i - 1]), writerOf(key, order[i]), 'ww');
  }
  for (const { index, key, values } of readsOf(transactions)) {
    edge(writerOf(key, values.at(-1)), index, 'wr');
    edge(index, writerOf(key, orders.get(key)?.[values.length]), 'rw');
  }
  realTime(transactions, edge);
  return graph;
}

/** Real time, reduced: from each transaction to those that no third one separates from it. */
function realTime(
  transactions: readonly ListTransaction[],
  edge: (from: number, to: number, kind: EdgeKind) => void,
): void {
  const done = transactions.flatMap(({ outcome, completed }, index) =>
    outcome === 'ok' ? [{ index, completed }] : [],
  );
  done.sort((a, b) => a.completed - b.completed);
  const begun = transactions.flatMap(({ outcome, invoked }, index) =>
    outcome === 'fail' ? [] : [{ index, invoked }],
  );
  begun.sort((a, b) => a.invoked - b.invoked);
  let next = 0;
  /** Completed transactions that no completed one follows. */
  let frontier: { readonly index: number; readonly completed: number }[] = [];
  for (const { index, invoked } of begun) {
    for (; next < done.length && done[next].completed < invoked; next++) {
      const { invoked: start } = transactions[done[next].index];
      frontier = frontier.filter(({ completed }) => completed >= start);
      frontier.push(done[next]);
    }
    for (const before of frontier) edge(before.index, index, 'rt');
  }
}

/** One anomaly for each strongly connected component, of the strongest kind that it has. */
function cycles(graph: Graph<EdgeKind>): readonly Anomaly[] {
  const levels: readonly {
    readonly name: AnomalyName;
    readonly kinds: readonly EdgeKind[];
    readonly rw: number;
  }[] = [
    { name: 'G0', kinds: ['ww'], rw: 0 },
    { name: 'G1c', kinds: ['ww', 'wr'], rw: 0 },
    { name: 'G-single', kinds: ['ww', 'wr'], rw: 1 },
    { name: 'G2', kinds: ['ww', 'wr', 'rw'], rw: 2 },
    { name: 'G0-realtime', kinds: ['ww', 'rt'], rw: 0 },
    { name: 'G1c-realtime', kinds: ['ww', 'wr', 'rt'], rw: 0 },
    { name: 'G-single-realtime', kinds: ['ww', 'wr', 'rt'], rw: 1 },
    { name: 'G2-realtime', kinds: ['ww', 'wr', 'rw', 'rt'], rw: 2 },
  ];
  const anomalies: Anomaly[] = [];
  for (const component of stronglyConnected(graph)) {
    const members = new Set(component);
    for (const { name, kinds, rw } of levels) {
      const allowed = new Set<EdgeKind>(kinds);
      const cycle = findCycle(graph, members, allowed, rw === 1 ? 'rw' : undefined);
      if (cycle === undefined) continue;
      const text = cycle.map(({ from, kind }) => `${from} -${kind}->`).join(' ');
      anomalies.push({ name, detail: `${text} ${cycle[0].from}` });
      break;
    }
  }
  return anomalies;
}
