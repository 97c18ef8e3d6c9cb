/** The part of V8's CPU profile that is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds between samples. */
  readonly timeDeltas: readonly number[];
}

export interface Cost {
  readonly name: string;
  /** Self time, in microseconds. */
  readonly us: number;
}

/** Self time by part of the code and by function, largest first; waiting is left out. */
export function costsOf(profile: CpuProfile): {
  readonly parts: readonly Cost[];
  readonly functions: readonly Cost[];
} {
  const selfUs = new Map<number, number>();
  for (const [i, node] of profile.samples.entries()) {
    selfUs.set(node, (selfUs.get(node) ?? 0) + (profile.timeDeltas[i] ?? 0));
  }
  const parts = new Map<string, number>();
  const functions = new Map<string, number>();
  for (const { id, callFrame } of profile.nodes) {
    const us = selfUs.get(id) ?? 0;
    const { functionName, url, lineNumber } = callFrame;
    // Starting the profiler stops the process for a moment, which is nobody's work.
    if (us === 0 || functionName === '(idle)' || url === 'node:inspector') continue;
    add(parts, partOf(functionName, url), us);
    const place = url === '' ? '' : ` ${shortUrl(url)}:${lineNumber + 1}`;
    add(functions, `${functionName === '' ? '(anonymous)' : functionName}${place}`, us);
  }
  return { parts: sorted(parts), functions: sorted(functions) };
}

function partOf(functionName: string, url: string): string {
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === '(program)') return 'native code, outside of JavaScript';
  if (url === '') return 'built-in functions';
  if (url.startsWith('node:'))
    return url.startsWith('node:net') || url.includes('stream') ? 'node: sockets' : 'node: other';
  const inside = /\/(?:libs|apps)\/([^/]+)\//.exec(url)?.[1];
  if (inside !== undefined) return inside;
  return url.includes('node_modules') ? 'packages' : 'benchmark';
}

function shortUrl(url: string): string {
  return url.replace(/^.*\/((?:libs|apps|benchmarks)\/)/, '$1').replace(/^.*\/node_modules\//, '');
}

function add(sums: Map<string, number>, name: string, us: number): void {
  sums.set(name, (sums.get(name) ?? 0) + us);
}

function sorted(sums: ReadonlyMap<string, number>): readonly Cost[] {
  return [...sums].map(([name, us]) => ({ name, us })).sort((a, b) => b.us - a.us);
}
