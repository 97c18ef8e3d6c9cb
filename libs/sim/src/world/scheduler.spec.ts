import { Prng } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { engineDrain } from './drain-microtasks.ts';
import { Incarnation } from './incarnation.ts';
import { Phase, Scheduler } from './scheduler.ts';

const trueClock = { wallOffsetMs: 0, drift: 0, monotonicStartMs: 0 };

function world(drain: 'engine' | 'host' = 'engine') {
  const scheduler = new Scheduler(drain);
  const process = new Incarnation(scheduler, 1, 'n1', trueClock, new Prng(1));
  const log: string[] = [];
  const say = (what: string) => () => void log.push(`${what}@${scheduler.nowMs}`);
  return { scheduler, process, log, say };
}

it('has the checkpoint of the engine: without it every event costs a turn of the host', () => {
  expect(engineDrain()).toBeDefined();
});

describe.each(['engine', 'host'] as const)('Scheduler draining by the %s', (drain) => {
  it('runs events by time, then phase, then order of planning, and promises between them', async () => {
    const { scheduler, process, log, say } = world(drain);
    process.defer(say('deferred'));
    scheduler.schedule(0, Phase.input, undefined, say('input'));
    process.schedule(0, say('timer'));
    process.schedule(5, () => {
      say('five')();
      void (async () => {
        for (let i = 0; i < 3; i++) await Promise.resolve();
        say('after awaits')();
      })();
    });
    process.schedule(5, say('also five'));
    await scheduler.runUntil(10_000);
    expect(log).toEqual(['timer@0', 'input@0', 'deferred@0', 'five@5', 'after awaits@5', 'also five@5']);
    expect(scheduler.nowMs).toBe(10);
  });

  it('has the same digest whatever drains the promises', async () => {
    const { scheduler, process } = world(drain);
    const random = new Prng(5);
    const again = (depth: number) => {
      if (depth === 0) return;
      process.schedule(random.nextU32() % 20, () => {
        void Promise.resolve().then(() => again(depth - 1));
        scheduler.fold(random.nextU32());
      });
    };
    for (let i = 0; i < 20; i++) again(20);
    await scheduler.runUntil(1_000_000);
    expect(scheduler.eventsRun).toBe(400);
    expect(scheduler.hash).toBe(781545567);
  });

  it('stops at a failure, at a thrown error and when done', async () => {
    const { scheduler, process, log, say } = world(drain);
    process.schedule(1, say('one'));
    process.schedule(2, () => scheduler.fail(new Error('bad')));
    process.schedule(3, say('three'));
    process.schedule(4, () => {
      throw new Error('thrown');
    });
    process.schedule(5, say('five'));
    process.schedule(6, say('six'));
    await scheduler.runUntil(10_000, () => log.length === 1);
    expect(scheduler.nowMs).toBe(1);
    await expect(scheduler.runUntil(10_000)).rejects.toThrow('bad');
    expect(log).toEqual(['one@1']);
  });
});

describe('Incarnation', () => {
  it('never runs what a dead process planned', async () => {
    const { scheduler, process, log, say } = world();
    process.schedule(1, say('one'));
    process.schedule(3, say('three'));
    await scheduler.runUntil(2_000);
    process.die();
    process.schedule(1, say('posthumous'));
    await scheduler.runUntil(10_000);
    expect(log).toEqual(['one@1']);
  });

  it('holds the events of a paused process and runs late timers first', async () => {
    const { scheduler, process, log, say } = world();
    process.plan(1_000, Phase.input, say('input'));
    process.schedule(2, say('timer'));
    process.schedule(20, say('later'));
    process.pause();
    await scheduler.runUntil(10_000);
    process.resume();
    await scheduler.runUntil(30_000);
    expect(log).toEqual(['timer@10', 'input@10', 'later@20']);
  });

  it('queues the events of a slow process behind each other', async () => {
    const { scheduler, process, log, say } = world();
    process.slow(4_000);
    for (const name of ['a', 'b', 'c']) process.schedule(1, say(name));
    await scheduler.runUntil(30_000);
    expect(log).toEqual(['a@1', 'b@5', 'c@9']);
  });

  it('cancels, drifts and jumps', async () => {
    const scheduler = new Scheduler();
    const clock = { wallOffsetMs: 0, drift: 1, monotonicStartMs: 7 };
    const process = new Incarnation(scheduler, 1, 'n1', clock, new Prng(1));
    const log: number[] = [];
    process.schedule(10, () => log.push(scheduler.nowMs));
    process.schedule(1, () => log.push(-1))();
    await scheduler.runUntil(100_000);
    expect(log).toEqual([5]);
    expect(process.monotonicMs()).toBe(207);
    const wall = process.wallMs();
    clock.wallOffsetMs = -5000;
    expect(process.wallMs()).toBe(wall - 5000);
  });
});
