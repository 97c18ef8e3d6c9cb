import { expect, it } from 'vitest';
import { rangesOf } from './cluster-view.ts';
import type { NodeReport } from './node-report.ts';

function node(id: number, ranges: readonly (readonly [id: number, role: string, term: number])[]) {
  const report = {
    ranges: ranges.map(([range, role, term]) => ({
      id: range,
      role,
      leader: 0,
      term,
      commit: 0,
      applied: 0,
      last: 0,
    })),
  };
  return { id, report: report as NodeReport };
}

it('believes the leader of the highest term, and none where nobody leads', () => {
  const ranges = rangesOf([
    node(1, [
      [1, 'leader', 3],
      [2, 'follower', 4],
    ]),
    node(2, [
      [1, 'leader', 5],
      [2, 'candidate', 5],
    ]),
    { id: 3 },
  ]);
  expect(ranges).toEqual([
    { id: 1, leader: 2, term: 5 },
    { id: 2, leader: 0, term: 5 },
  ]);
});
