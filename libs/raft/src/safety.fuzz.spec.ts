import fc from 'fast-check';
import { describe, test } from 'vitest';
import { CALM, Chaos, type ChaosOptions } from '../testing/chaos.ts';

const config = CALM.config;

const worlds: Record<string, ChaosOptions> = {
  'three voters': CALM,
  'five voters, a bad network': { ...CALM, voters: 5, dropChance: 0.15, partitionChance: 0.005 },
  'one voter': { ...CALM, voters: 1, crashChance: 0.01 },
  'crashes without end': { ...CALM, crashChance: 0.02 },
  'without pre-vote and check-quorum': { ...CALM, config: { ...config, preVote: false, checkQuorum: false } },
  'membership changes': { ...CALM, spares: 3, confChangeChance: 0.02 },
  'membership changes and crashes': { ...CALM, spares: 2, confChangeChance: 0.02, crashChance: 0.01 },
  'slow state machines': { ...CALM, spares: 2, confChangeChance: 0.02, compactChance: 0.05, lazy: true },
  'lease reads': { ...CALM, lease: true, partitionChance: 0.01 },
  'lease reads, five voters, membership changes': {
    ...CALM,
    voters: 5,
    spares: 2,
    lease: true,
    dropChance: 0.1,
    partitionChance: 0.01,
    confChangeChance: 0.01,
  },
  'commits told later': {
    ...CALM,
    spares: 2,
    confChangeChance: 0.01,
    config: { ...config, commitNotice: 'deferred' },
  },
  'mostly idle': { ...CALM, proposeChance: 0.003, quiesceChance: 0.1 },
  'mostly idle, membership changes and crashes': {
    ...CALM,
    spares: 2,
    proposeChance: 0.003,
    quiesceChance: 0.1,
    confChangeChance: 0.01,
    crashChance: 0.005,
  },
  'small limits': {
    ...CALM,
    compactChance: 0.05,
    config: {
      ...config,
      appendBytesMax: 20,
      inflightMessagesMax: 2,
      committedBytesMax: 30,
      uncommittedBytesMax: 200,
    },
  },
};

describe('safety under random schedules, then progress', () => {
  for (const [name, options] of Object.entries(worlds)) {
    test(name, { timeout: 30_000 }, () => {
      const runs = Number(process.env['RAFT_FUZZ_RUNS'] ?? 60);
      fc.assert(
        fc.property(fc.nat(0x7fffffff), (seed) => {
          new Chaos(seed, options).run().heal();
        }),
        { numRuns: runs, seed: 20260101, endOnFailure: true },
      );
    });
  }
});

describe('seeds that once found a bug', () => {
  test('a lease that was prolonged by the reads it served', () => {
    new Chaos(89, { ...CALM, lease: true, partitionChance: 0.01 }).run().heal();
  });
});
