import type { Cancel, Clock } from '@holdfast/io';
import { deferToTurnEnd } from './turn.ts';

/** Longest delay of `setTimeout`; longer ones are armed again. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The clocks and the timers of the machine. */
export class SystemClock implements Clock {
  wallMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  schedule(delayMs: number, task: () => void): Cancel {
    const dueMs = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const arm = (waitMs: number): void => {
      timer = setTimeout(fire, Math.min(Math.ceil(waitMs), TIMER_MS_MAX));
    };
    // Timers count whole milliseconds of a cached time and may be early by a part of one.
    const fire = (): void => {
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) arm(waitMs);
      else task();
    };
    arm(delayMs);
    return () => clearTimeout(timer);
  }

  defer(task: () => void): void {
    deferToTurnEnd(task);
  }
}
