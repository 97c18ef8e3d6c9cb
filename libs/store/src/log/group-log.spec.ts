import type { Entry } from '@holdfast/raft';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GroupLog } from './group-log.ts';

const CONF = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

function entry(index: number, term: number): Entry {
  return { index, term, kind: 0, data: new Uint8Array(index % 7) };
}

function empty(): GroupLog {
  return new GroupLog({
    hardState: { term: 0, vote: 0, commit: 0 },
    conf: CONF,
    baseIndex: 0,
    baseTerm: 0,
    entries: [],
  });
}

describe('GroupLog', () => {
  it('agrees with an array that never forgets, under appends, overwrites and compactions', () => {
    const action = fc.oneof(
      fc.record({
        kind: fc.constant('append' as const),
        back: fc.nat(3),
        count: fc.integer({ min: 1, max: 40 }),
      }),
      fc.record({ kind: fc.constant('compact' as const), ahead: fc.nat(60) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const log = empty();
        const model: Entry[] = [];
        let base = 0;
        let term = 1;
        for (const step of actions) {
          if (step.kind === 'append') {
            const first = Math.max(base + 1, model.length + 1 - step.back);
            term++;
            const entries = Array.from({ length: step.count }, (_, i) => entry(first + i, term));
            log.append(entries);
            model.length = first - 1;
            model.push(...entries);
          } else {
            base = Math.min(model.length, base + step.ahead);
            log.compactTo(base);
          }
          expect(log.firstIndex()).toBe(base + 1);
          expect(log.lastIndex()).toBe(model.length);
          expect(log.term(base)).toBe(base === 0 ? 0 : model[base - 1].term);
          expect(log.term(base - 1)).toBeUndefined();
          expect(log.term(model.length + 1)).toBeUndefined();
          expect(log.entries(base + 1, model.length + 1, Number.MAX_SAFE_INTEGER)).toEqual(model.slice(base));
          expect(log.bytes).toBe(model.slice(base).reduce((sum, { data }) => sum + data.length, 0));
        }
      }),
    );
  });

  it('limits what it hands out by bytes, but always gives one entry', () => {
    const log = empty();
    log.append([entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 1)]);
    expect(log.entries(2, 5, 0)).toHaveLength(1);
    expect(log.entries(2, 5, 5)).toHaveLength(2);
    expect(log.entries(2, 3, 100)).toHaveLength(1);
  });

  it('knows which entries can go while enough bytes stay', () => {
    const log = empty();
    log.append([entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 1)]);
    expect(log.indexBefore(4)).toBe(3);
    expect(log.indexBefore(5)).toBe(2);
    expect(log.indexBefore(1000)).toBe(0);
    log.compactTo(2);
    expect(log.indexBefore(1000)).toBe(2);
  });

  it('refuses gaps and rewrites of what is compacted', () => {
    const log = empty();
    log.append([entry(1, 1), entry(2, 1)]);
    log.compactTo(1);
    expect(() => log.append([entry(4, 1)])).toThrow(/gap/);
    expect(() => log.append([entry(1, 2)])).toThrow(/compacted/);
    expect(log.entries(1, 3, 100)).toBeUndefined();
  });
});
