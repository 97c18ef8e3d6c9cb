import { Prng } from '@holdfast/io';
import type { CrashOptions } from './disk-options.ts';
import { PowerLoss } from './disk-options.ts';
import { SimDisk } from './sim-disk.ts';

/** One place at which the power failed, and what was kept. Enough to repeat it. */
export interface CrashPoint {
  readonly crashAfter: number;
  readonly keep: 'none' | 'all' | 'random';
  readonly seed: number;
}

export interface CrashExploration<T> {
  readonly seed: number;
  /**
   * The code under test. `acknowledge` tells what the script knows to be durable at this moment; the last
   * value told before the crash is what `verify` gets.
   */
  readonly script: (disk: SimDisk, acknowledge: (state: T) => void) => Promise<void>;
  /** Reopens and compares; throws when something acknowledged is missing or something never written is there. */
  readonly verify: (disk: SimDisk, acknowledged: T | undefined, point: CrashPoint) => Promise<void>;
  /** Random outcomes tried at each crash point, besides `none` and `all`. Default 2. */
  readonly outcomes?: number;
  readonly options?: CrashOptions['options'];
}

/**
 * Cuts the power inside every single mutation of a script, tries several outcomes of each cut, and verifies
 * each. A failure names its {@link CrashPoint}. Returns the number of points explored.
 */
export async function exploreCrashes<T>(exploration: CrashExploration<T>): Promise<number> {
  const { seed, script, verify, outcomes = 2, options } = exploration;
  for (let crashAfter = 0; ; crashAfter++) {
    const disk = new SimDisk({ ...options, seed, crashAfter });
    let acknowledged: T | undefined;
    let finished = false;
    try {
      await script(disk, (state) => {
        if (!disk.crashed) acknowledged = state;
      });
      finished = !disk.crashed;
    } catch (error) {
      if (!disk.crashed && !(error instanceof PowerLoss)) throw error;
    }
    const seeds = new Prng(seed + crashAfter);
    const points: CrashPoint[] = [
      { crashAfter, keep: 'none', seed: 0 },
      { crashAfter, keep: 'all', seed: 0 },
    ];
    for (let i = 0; i < outcomes; i++) points.push({ crashAfter, keep: 'random', seed: seeds.nextU32() });
    for (const point of points) {
      try {
        await verify(disk.crash({ keep: point.keep, seed: point.seed }), acknowledged, point);
      } catch (error) {
        throw new Error(`after a power loss at ${JSON.stringify(point)}`, { cause: error });
      }
    }
    if (finished) return crashAfter;
  }
}
