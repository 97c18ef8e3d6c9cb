import type { Clock } from '@holdfast/io';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Signal, type World } from './world.ts';

export interface ClockWorld extends World {
  readonly clock: Clock;
}

/** What every `Clock` does. No upper bounds on lateness: those are a property of the machine. */
export function clockConformance(name: string, makeClock: () => ClockWorld | Promise<ClockWorld>): void {
  describe(`${name} as a Clock`, () => {
    let world: ClockWorld;
    beforeEach(async () => {
      world = await makeClock();
    });
    afterEach(() => world.end?.());
    const test = (title: string, body: (clock: Clock) => Promise<void>): void => {
      it(title, () => world.run(body(world.clock)));
    };
    const after = (clock: Clock, delayMs: number): Promise<void> => {
      const signal = new Signal();
      clock.schedule(delayMs, () => signal.set());
      return signal.promise;
    };

    test('tells a plausible date, and monotonic time that never goes back', async (clock) => {
      expect(clock.wallMs()).toBeGreaterThan(Date.UTC(2026, 0));
      let last = clock.monotonicMs();
      for (let i = 0; i < 5; i++) {
        await after(clock, 0.3);
        const now = clock.monotonicMs();
        expect(now).toBeGreaterThanOrEqual(last);
        last = now;
      }
    });

    test('runs a task once and never early', async (clock) => {
      for (const delayMs of [0, 0.5, 1, 1.7, 5, 12.25]) {
        const start = clock.monotonicMs();
        await after(clock, delayMs);
        // A simulated clock counts whole microseconds.
        expect(clock.monotonicMs() - start).toBeGreaterThanOrEqual(delayMs - 0.001);
      }
    });

    test('runs tasks in the order of their times', async (clock) => {
      const order: string[] = [];
      clock.schedule(30, () => order.push('late'));
      clock.schedule(1, () => order.push('early'));
      await after(clock, 31);
      expect(order).toEqual(['early', 'late']);
    });

    test('does not run what was cancelled, whenever that was', async (clock) => {
      let runs = 0;
      const cancel = clock.schedule(2, () => runs++);
      cancel();
      cancel();
      const late = clock.schedule(1, () => runs++);
      await after(clock, 5);
      late();
      expect(runs).toBe(1);
    });

    test('defers in order, never inside the call, and not for a timer', async (clock) => {
      const order: string[] = [];
      const done = new Signal();
      clock.defer(() => {
        order.push('first');
        clock.defer(() => {
          order.push('deferred by a deferred');
          done.set();
        });
      });
      clock.defer(() => order.push('second'));
      order.push('this call');
      await done.promise;
      expect(order).toEqual(['this call', 'first', 'second', 'deferred by a deferred']);
    });

    test('runs promise callbacks between deferred tasks of different turns', async (clock) => {
      const order: string[] = [];
      const done = new Signal();
      clock.defer(() => {
        void Promise.resolve().then(() => order.push('promise'));
        clock.defer(() => {
          order.push('next turn');
          done.set();
        });
      });
      await done.promise;
      expect(order).toEqual(['promise', 'next turn']);
    });
  });
}
