/** Which decisions of a seed's run are carried out. Faults and steps keep their numbers whatever is left out. */
export interface Mask {
  keepsFault(index: number): boolean;
  keepsStep(process: number, step: number): boolean;
  /** Number behind the last step of a worker that is kept; infinite when nothing is left out. */
  stepsOf(process: number): number;
}

/** A run as its seed says. */
export const KEEP_ALL: Mask = {
  keepsFault: () => true,
  keepsStep: () => true,
  stepsOf: () => Number.POSITIVE_INFINITY,
};

/** One step of one worker. */
export interface StepId {
  readonly process: number;
  readonly step: number;
}

/** What a reduced run keeps. Undefined: all of them. */
export interface Kept {
  readonly faults: readonly number[] | undefined;
  readonly steps: readonly StepId[] | undefined;
}

export function maskOf({ faults, steps }: Kept): Mask {
  const faultSet = faults === undefined ? undefined : new Set(faults);
  const stepSets = new Map<number, Set<number>>();
  for (const { process, step } of steps ?? []) {
    const set = stepSets.get(process);
    if (set === undefined) stepSets.set(process, new Set([step]));
    else set.add(step);
  }
  return {
    keepsFault: (index) => faultSet?.has(index) ?? true,
    keepsStep: (process, step) => steps === undefined || stepSets.get(process)?.has(step) === true,
    stepsOf: (process) => {
      if (steps === undefined) return Number.POSITIVE_INFINITY;
      let end = 0;
      for (const step of stepSets.get(process) ?? []) end = Math.max(end, step + 1);
      return end;
    },
  };
}

/** `0-3,7`: numbers as people type them. */
export function formatNumbers(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const spans: string[] = [];
  for (let i = 0; i < sorted.length;) {
    let end = i;
    while (end + 1 < sorted.length && sorted[end + 1] === sorted[end] + 1) end++;
    spans.push(end === i ? String(sorted[i]) : `${sorted[i]}-${sorted[end]}`);
    i = end + 1;
  }
  return spans.length === 0 ? 'none' : spans.join(',');
}

/** @throws Error with a message for people. */
export function parseNumbers(text: string): readonly number[] {
  if (text === 'none') return [];
  return text.split(',').flatMap((span) => {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(span);
    if (match === null) throw new Error(`${span} is not a number and not a span like 3-7`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last - first >= SPAN_MAX) throw new Error(`${span} is not a span`);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

const SPAN_MAX = 1_000_000;

/** `0:1-4,9/2:3`: for each worker, its steps. */
export function formatSteps(steps: readonly StepId[]): string {
  const processes = [...new Set(steps.map(({ process }) => process))].sort((a, b) => a - b);
  if (processes.length === 0) return 'none';
  return processes
    .map((process) => {
      const own = steps.flatMap((step) => (step.process === process ? [step.step] : []));
      return `${process}:${formatNumbers(own)}`;
    })
    .join('/');
}

/** @throws Error with a message for people. */
export function parseSteps(text: string): readonly StepId[] {
  if (text === 'none') return [];
  return text.split('/').flatMap((part) => {
    const [process, numbers] = part.split(':');
    if (process === undefined || numbers === undefined || !/^\d{1,4}$/.test(process))
      throw new Error(`${part} is not a worker and its steps, like 2:0-7,9`);
    return parseNumbers(numbers).map((step) => ({ process: Number(process), step }));
  });
}
