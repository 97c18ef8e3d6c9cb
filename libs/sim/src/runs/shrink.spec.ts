import { describe, expect, it } from 'vitest';
import { runClusterSeed } from '../cluster/cluster-run.ts';
import { formatNumbers, formatSteps, maskOf, parseNumbers, parseSteps } from './mask.ts';
import { shrink } from './shrink.ts';

const SEED = 1;
const PLANTED = { canary: 'apply-past-gap' };

describe('shrink', () => {
  it('reduces a run with a planted bug to one that repeats from what is printed', async () => {
    const whole = await runClusterSeed(SEED, PLANTED);
    expect(whole.failure).toBeDefined();
    const shrunk = await shrink((options) => runClusterSeed(SEED, options), PLANTED, 30);
    const { kept, report, runs } = shrunk!;
    expect(runs).toBeLessThanOrEqual(1 + 1 + 3 * 30);
    expect(report.failure?.invariant).toBe(whole.failure?.invariant);
    const steps = whole.decisions.steps.reduce((sum, count) => sum + count, 0);
    expect(kept.faults).toEqual([]);
    expect(kept.steps!.length).toBeLessThan(steps / 2);
    const again = await runClusterSeed(SEED, {
      ...PLANTED,
      mask: maskOf({
        faults: parseNumbers(formatNumbers(kept.faults!)),
        steps: parseSteps(formatSteps(kept.steps!)),
      }),
    });
    expect(again).toEqual(report);
  }, 120_000);

  it('has nothing to do for a run that holds', async () => {
    expect(await shrink((options) => runClusterSeed(SEED, options), {}, 30)).toBeUndefined();
  }, 60_000);
});
