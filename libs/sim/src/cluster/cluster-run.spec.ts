import { describe, expect, it } from 'vitest';
import { runClusterSeed } from './cluster-run.ts';

describe('runClusterSeed', () => {
  it('is the same when it is run again', async () => {
    const first = await runClusterSeed(3);
    const second = await runClusterSeed(3);
    expect(second).toEqual(first);
    expect(first.operations.ok).toBeGreaterThan(20);
    expect(first.simulatedMs).toBeGreaterThan(20_000);
  }, 60_000);

  it('finds a planted bug', async () => {
    const { failure } = await runClusterSeed(1, { canary: 'forget-sync' });
    expect(failure?.invariant).toBe('synced-before-answered');
  }, 60_000);
});
