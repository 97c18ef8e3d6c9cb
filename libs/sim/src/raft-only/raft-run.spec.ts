import { describe, expect, it } from 'vitest';
import { runRaftSeed } from './raft-run.ts';

describe('runRaftSeed', () => {
  it('holds, and is the same when it is run again', async () => {
    for (const seed of [1, 2, 3]) {
      const first = await runRaftSeed(seed);
      const second = await runRaftSeed(seed);
      expect(first.failure).toBeUndefined();
      expect(second).toEqual(first);
      expect(first.operations.ok).toBeGreaterThan(20);
    }
  });

  it('finds a planted bug', async () => {
    const { failure } = await runRaftSeed(1, { canary: 'vote-not-persisted' });
    expect(failure?.invariant).toBe('vote-synced-before-sent');
  });
});
