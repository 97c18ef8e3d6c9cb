import { nodeId } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jointVote, majorityReached, quorumReached, type Tracked } from './quorum.ts';

const tracked = (match: number): Tracked => ({ match, readRound: 0, heardAt: 0, commit: 0 });

/** The dumb way: the highest value for which more than half can be counted. */
function bruteReached(values: readonly number[]): number {
  if (values.length === 0) return Number.POSITIVE_INFINITY;
  const enough = values.filter(
    (value) => values.filter((other) => other >= value).length * 2 > values.length,
  );
  return Math.max(...enough);
}

/** The dumb way: lost when not even everybody who is silent could turn it. */
function bruteVote(voters: readonly number[], votes: ReadonlyMap<number, boolean>): string {
  const wins = (yes: number) => voters.length === 0 || yes * 2 > voters.length;
  const yes = voters.filter((voter) => votes.get(voter) === true).length;
  const open = voters.filter((voter) => !votes.has(voter)).length;
  return wins(yes) ? 'won' : wins(yes + open) ? 'pending' : 'lost';
}

describe('quorum arithmetic', () => {
  test('small tables', () => {
    const reached = (...values: number[]) => majorityReached(values.map(tracked), 'match');
    expect(reached()).toBe(Number.POSITIVE_INFINITY);
    expect(reached(7)).toBe(7);
    expect(reached(7, 3)).toBe(3);
    expect(reached(7, 3, 5)).toBe(5);
    expect(reached(0, 0, 9, 9)).toBe(0);
    expect(reached(1, 2, 3, 4, 5)).toBe(3);
  });

  test('what a majority has reached, against counting', () => {
    const values = fc.array(fc.nat(9), { maxLength: 9 });
    fc.assert(
      fc.property(values, values, (voters, outgoing) => {
        expect(majorityReached(voters.map(tracked), 'match')).toBe(bruteReached(voters));
        const joint = quorumReached(voters.map(tracked), outgoing.map(tracked), 'match');
        expect(joint).toBe(Math.min(bruteReached(voters), bruteReached(outgoing)));
      }),
      { numRuns: 2000 },
    );
  });

  test('votes, against counting', () => {
    const nodes = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { maxLength: 5 });
    const votes = fc.array(fc.tuple(fc.integer({ min: 1, max: 7 }), fc.boolean()), { maxLength: 7 });
    fc.assert(
      fc.property(nodes, nodes, votes, (voters, outgoing, cast) => {
        const map = new Map(cast.map(([id, vote]) => [nodeId(id), vote]));
        const a = bruteVote(voters, map);
        const b = bruteVote(outgoing, map);
        const expected =
          a === 'won' && b === 'won' ? 'won' : a === 'lost' || b === 'lost' ? 'lost' : 'pending';
        expect(jointVote(voters.map(nodeId), outgoing.map(nodeId), map)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });
});
