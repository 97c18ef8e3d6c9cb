import type { Clock } from '@holdfast/io';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HybridClock, REVISION_EPOCH_MS, revisionOfWallMs, wallMsOfRevision } from './hybrid-clock.ts';

function clockAt(read: () => number): Clock {
  const never = (): never => {
    throw new Error('not used');
  };
  return { wallMs: read, monotonicMs: never, schedule: never, defer: never };
}

describe('HybridClock', () => {
  it('gives strictly growing revisions whatever the wall clock does and whatever it observes', () => {
    const step = fc.record({
      wallMs: fc.integer({ min: REVISION_EPOCH_MS - 1e6, max: REVISION_EPOCH_MS + 1e12 }),
      observed: fc.integer({ min: 0, max: 2 ** 51 }),
      count: fc.integer({ min: 1, max: 4096 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        let wall = 0;
        const clock = new HybridClock(clockAt(() => wall));
        let highest = 0;
        for (const { wallMs, observed, count } of steps) {
          wall = wallMs;
          clock.observe(observed);
          highest = Math.max(highest, observed);
          const first = clock.stamp(count);
          expect(first).toBeGreaterThan(highest);
          expect(Number.isSafeInteger(first + count - 1)).toBe(true);
          highest = first + count - 1;
          expect(clock.read()).toBe(highest);
        }
      }),
    );
  });

  it('follows the wall clock when nothing is ahead of it', () => {
    const now = REVISION_EPOCH_MS + 123_456_789;
    const clock = new HybridClock(clockAt(() => now));
    expect(clock.stamp(1)).toBe(revisionOfWallMs(now));
    expect(wallMsOfRevision(clock.stamp(1))).toBe(now);
  });

  it('refuses a mark that is no 53-bit integer', () => {
    const clock = new HybridClock(clockAt(() => 0));
    expect(() => clock.observe(Number.NaN)).toThrow();
    expect(() => clock.observe(2 ** 53)).toThrow();
  });
});
