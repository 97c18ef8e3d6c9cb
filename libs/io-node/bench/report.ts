import { cpus, loadavg, totalmem } from 'node:os';

/** One way of doing something, measured in turns with the others. */
export interface Contestant {
  readonly name: string;
  /** Does the thing `count` times and gives the time of each in microseconds, or one number for all together. */
  run(count: number): Promise<readonly number[]> | readonly number[];
}

/** What a benchmark ran on: its first line. */
export function printMachine(title: string): void {
  const { length, 0: cpu } = cpus();
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  console.log(
    `${title}\nNode ${process.version}, ${length} x ${cpu?.model.trim() ?? '?'}, ${memoryGib} GiB, load ${loadavg()[0]?.toFixed(2)}`,
  );
}

/**
 * Lets the contestants alternate for `rounds` rounds of `count`, and prints the best, p50 and p99 over all of
 * them in microseconds, and the ratios to the first contestant (smaller is faster). On a machine that does
 * other things too, the best of a pure computation says more than its median.
 */
export async function compare(
  label: string,
  contestants: readonly Contestant[],
  rounds: number,
  count: number,
): Promise<void> {
  const samples = new Map<Contestant, number[]>();
  for (const contestant of contestants) {
    await contestant.run(count);
    samples.set(contestant, []);
  }
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) samples.get(contestant)?.push(...(await contestant.run(count)));
  }
  console.log(`\n${label}`);
  let first: number | undefined;
  let firstBest: number | undefined;
  for (const [{ name }, times] of samples) {
    times.sort((a, b) => a - b);
    const p50 = times[Math.floor(times.length / 2)] ?? 0;
    const p99 = times[Math.floor(times.length * 0.99)] ?? 0;
    const best = times[0] ?? 0;
    first ??= p50;
    firstBest ??= best;
    const ratios = `x ${(p50 / first).toFixed(2)} (best: x ${(best / firstBest).toFixed(2)})`;
    console.log(
      `  ${name.padEnd(34)} best ${format(best)}  p50 ${format(p50)}  p99 ${format(p99)} us  ${ratios}`,
    );
  }
}

/** Times `work` once per call. */
export function timed(work: (i: number) => Promise<unknown>): Contestant['run'] {
  return async (count) => {
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      await work(i);
      times.push((performance.now() - start) * 1000);
    }
    return times;
  };
}

/** Times a loop of `count` calls as a whole: one sample, microseconds per call. */
export function timedLoop(loop: (count: number) => void): Contestant['run'] {
  return (count) => {
    const start = performance.now();
    loop(count);
    return [((performance.now() - start) * 1000) / count];
  };
}

function format(us: number): string {
  return us.toFixed(us < 10 ? 4 : us < 100 ? 2 : 0).padStart(8);
}
