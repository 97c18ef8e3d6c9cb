import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Timed, TimerWheel, WHEEL_STEP_MS } from './timer-wheel.ts';

class Wait implements Timed<Wait> {
  wakeAtMs = 0;
  wheelSlot = -1;
  wheelPrevious: Wait | undefined = undefined;
  wheelNext: Wait | undefined = undefined;
  readonly name: number;

  constructor(name: number) {
    this.name = name;
  }
}

describe('TimerWheel', () => {
  it('gives out what is due, not before and at most a step late', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ add: fc.integer({ min: 0, max: 20_000 }) }),
        fc.record({ remove: fc.nat(50) }),
        fc.record({ pass: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 30_000 })) }),
      ),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(steps, (script) => {
        const wheel = new TimerWheel<Wait>();
        const model = new Map<number, Wait>();
        let nowMs = 12_345.5;
        for (const [name, step] of script.entries()) {
          if ('add' in step) {
            const wait = new Wait(name);
            wheel.add(wait, nowMs + step.add, nowMs);
            model.set(name, wait);
          } else if ('remove' in step) {
            const wait = model.get(step.remove);
            if (wait !== undefined) wheel.remove(wait);
            model.delete(step.remove);
          } else {
            nowMs += step.pass;
            wheel.advance(nowMs, (wait) => {
              expect(wait.wakeAtMs).toBeLessThanOrEqual(nowMs);
              expect(model.delete(wait.name)).toBe(true);
            });
            for (const wait of model.values()) expect(wait.wakeAtMs).toBeGreaterThan(nowMs - WHEEL_STEP_MS);
          }
          expect(wheel.count).toBe(model.size);
          const nextMs = wheel.nextMs();
          expect(nextMs === undefined).toBe(model.size === 0);
          // Whoever sleeps until then misses nothing by more than a step.
          const dueMs = Math.min(...[...model.values()].map((wait) => wait.wakeAtMs));
          if (nextMs !== undefined)
            expect(nextMs).toBeLessThanOrEqual(Math.max(dueMs, nowMs) + 2 * WHEEL_STEP_MS);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('may be changed while it gives out', () => {
    const wheel = new TimerWheel<Wait>();
    const [a, b, c] = [new Wait(1), new Wait(2), new Wait(3)];
    for (const wait of [a, b]) wheel.add(wait, 10, 0);
    const seen: number[] = [];
    wheel.advance(100, (wait) => {
      seen.push(wait.name);
      if (wait === b) {
        wheel.remove(a);
        wheel.add(c, 105, 100);
      }
    });
    wheel.advance(200, (wait) => seen.push(wait.name));
    expect(seen).toEqual([2, 3]);
  });
});
