import { compareBytes } from '@holdfast/io';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Interval, IntervalIndex } from './interval-index.ts';

const key = fc.uint8Array({ maxLength: 3, max: 3 });
const interval = fc.record({ start: key, end: key });
const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), interval }),
  fc.record({ kind: fc.constant('delete' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('stab' as const), key }),
);

describe('IntervalIndex', () => {
  it('finds what a look at every interval finds', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const index = new IntervalIndex<Interval>();
        const all: Interval[] = [];
        for (const one of steps) {
          if (one.kind === 'add') {
            all.push(one.interval);
            index.add(one.interval);
          } else if (one.kind === 'delete') {
            const [gone] = all.splice(one.which % Math.max(1, all.length), 1);
            if (gone !== undefined) index.delete(gone);
          } else {
            const found = new Set<Interval>();
            index.stab(one.key, (item) => found.add(item));
            const wanted = all.filter(
              ({ start, end }) => compareBytes(start, one.key) <= 0 && compareBytes(one.key, end) < 0,
            );
            expect(found).toEqual(new Set(wanted));
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
