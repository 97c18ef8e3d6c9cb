import type { Operation } from '../../../libs/sim/src/checkers/history.ts';

export type AppendCall =
  | { readonly kind: 'read' }
  /** Adds `mark` behind the first `behind` marks, if there are no more by now. */
  | { readonly kind: 'append'; readonly mark: string; readonly behind: number };

export type AppendResult =
  | { readonly kind: 'marks'; readonly marks: readonly string[] }
  | { readonly kind: 'appended' }
  /** The condition did not hold. */
  | { readonly kind: 'refused' };

type Recorded = Operation<AppendCall, AppendResult>;

/**
 * What is wrong with the history of one append-only list, given what it holds in the end. For such a list this is all of
 * linearizability: the final order is the order of the appends, every read is a beginning of it, and nothing that began
 * after something else had ended saw less.
 */
export function appendProblems(operations: readonly Recorded[], final: readonly string[]): readonly string[] {
  const problems: string[] = [];
  const place = new Map(final.map((mark, i) => [mark, i]));
  if (place.size !== final.length) problems.push('a mark was appended twice');
  const appends = new Map<string, Recorded>();
  for (const operation of operations) {
    const { call } = operation;
    if (call.kind === 'append') appends.set(call.mark, operation);
  }
  for (const [mark, at] of place) {
    const append = appends.get(mark);
    if (append === undefined) problems.push(`mark ${mark} was never written`);
    else problems.push(...placeProblems(append, at));
  }
  for (const { call, outcome, result } of appends.values()) {
    if (call.kind !== 'append' || outcome !== 'ok' || result?.kind !== 'appended') continue;
    if (!place.has(call.mark)) problems.push(`acknowledged mark ${call.mark} is lost`);
  }
  for (const { result, completed } of operations) {
    if (result?.kind !== 'marks') continue;
    const wrong = result.marks.findIndex((mark, i) => final[i] !== mark);
    if (wrong >= 0)
      problems.push(`a read saw ${result.marks[wrong]} at ${wrong}, in the end there is ${final[wrong]}`);
    const early = result.marks.find((mark) => (appends.get(mark)?.invoked ?? 0) > completed);
    if (early !== undefined) problems.push(`a read saw ${early} before it was written`);
  }
  return [...problems, ...orderProblems(operations, place)];
}

function placeProblems({ call, outcome, result }: Recorded, at: number): readonly string[] {
  if (call.kind !== 'append') return [];
  const problems: string[] = [];
  if (outcome === 'fail') problems.push(`mark ${call.mark} is there, its append had failed for certain`);
  if (result?.kind === 'refused') problems.push(`mark ${call.mark} is there, its append had been refused`);
  if (at !== call.behind)
    problems.push(`mark ${call.mark} stands at ${at}, its condition said ${call.behind}`);
  return problems;
}

/** Real time: what begins after something ended sees at least as much. */
function orderProblems(
  operations: readonly Recorded[],
  place: ReadonlyMap<string, number>,
): readonly string[] {
  const done = operations.filter(({ outcome, result }) => outcome === 'ok' && result?.kind !== 'refused');
  const byEnd = done.toSorted((a, b) => a.completed - b.completed);
  const byStart = done.toSorted((a, b) => a.invoked - b.invoked);
  const problems: string[] = [];
  let next = 0;
  let length = 0;
  for (const operation of byStart) {
    for (; (byEnd[next]?.completed ?? Number.POSITIVE_INFINITY) < operation.invoked; next++) {
      const ended = byEnd[next];
      if (ended !== undefined) length = Math.max(length, lengthAfter(ended, place));
    }
    const { call } = operation;
    const own = call.kind === 'append' ? 1 : 0;
    const seen = lengthAfter(operation, place) - own;
    if (seen < length)
      problems.push(`${JSON.stringify(call)} saw ${seen} marks when there had been ${length}`);
  }
  return problems;
}

function lengthAfter({ call, result }: Recorded, place: ReadonlyMap<string, number>): number {
  if (result?.kind === 'marks') return result.marks.length;
  return call.kind === 'append' ? (place.get(call.mark) ?? 0) + 1 : 0;
}
