import { type NodeId, Prng } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaderSearch } from './leader-search.ts';

const nodes = (...ids: number[]): NodeId[] => ids as NodeId[];
const options = { roundMs: { base: 16, cap: 100 }, patienceMs: 50 };
const everybody = (): boolean => true;
const search = (lost: number, hint: number): LeaderSearch =>
  new LeaderSearch(nodes(1, 2, 3), lost as NodeId | 0, hint as NodeId | 0, options);

describe('LeaderSearch', () => {
  it('asks the hint first, then everybody else once', () => {
    const s = search(1, 3);
    expect([s.next(0, everybody), s.next(0, everybody), s.next(0, everybody), s.next(0, everybody)]).toEqual([
      3, 2, 1, 0,
    ]);
  });

  it('asks the lost leader last', () => {
    const s = search(2, 0);
    expect([s.next(0, everybody), s.next(0, everybody), s.next(0, everybody)]).toEqual([3, 1, 2]);
  });

  it('asks again in the next round, but not those who still owe an answer', () => {
    const s = search(0, 0);
    for (let i = 0; i < 3; i++) s.next(0, everybody);
    s.refused(nodes(2)[0]);
    s.beginRound();
    expect([s.next(10, everybody), s.next(10, everybody)]).toEqual([2, 0]);
    s.beginRound();
    expect(s.next(50, everybody)).toBe(1);
  });

  it('leaves out who cannot be reached', () => {
    const s = search(0, 1);
    expect([s.next(0, (node) => node === 2), s.next(0, (node) => node === 2)]).toEqual([2, 0]);
  });

  it('follows two hints in a round and no more', () => {
    const s = search(0, 0);
    const [one, two] = nodes(1, 2) as [NodeId, NodeId];
    let followed = 0;
    for (let i = 0; i < 20; i++) {
      const node = i % 2 === 0 ? one : two;
      if (!s.hinted(node)) continue;
      followed++;
      expect(s.next(i, everybody)).toBe(node);
      s.refused(node);
    }
    expect(followed).toBe(2);
  });

  it('pauses longer with every round, up to the cap', () => {
    const s = search(0, 0);
    const random = new Prng(5);
    for (const ceiling of [16, 32, 64, 100, 100]) {
      const pause = s.pauseMs(random);
      expect(pause).toBeGreaterThanOrEqual(ceiling / 2);
      expect(pause).toBeLessThan(ceiling);
      s.beginRound();
    }
  });

  it('asks every replica in every round, whatever the order of refusals', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (refusals) => {
        const s = search(0, 0);
        let at = 0;
        for (let round = 0; round < 5; round++) {
          const asked = new Set<NodeId>();
          for (
            let node = s.next(round * 1000, everybody);
            node !== 0;
            node = s.next(round * 1000, everybody)
          ) {
            expect(asked.has(node)).toBe(false);
            asked.add(node);
            if (refusals[at++ % 30] === true) s.refused(node);
          }
          expect(asked.size).toBe(3);
          s.beginRound();
        }
      }),
    );
  });
});
