import { Prng } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { Coverage } from '../checkers/violation.ts';
import { Scheduler } from '../world/scheduler.ts';
import { type Fault, Nemesis, swarm } from './nemesis.ts';

describe('Nemesis', () => {
  it('begins enabled faults, ends each once, and none after the heal', async () => {
    const scheduler = new Scheduler();
    const coverage = new Coverage();
    let on = 0;
    let ended = 0;
    const fault: Fault = {
      name: 'trouble',
      durationMs: [10, 5_000],
      begin: () => {
        on++;
        return () => {
          on--;
          ended++;
        };
      },
    };
    const idle: Fault = { name: 'nothing to do', durationMs: [0, 0], begin: () => undefined };
    const nemesis = new Nemesis(scheduler, new Prng(1), coverage, {
      enabled: [fault, idle],
      intervalMs: 100,
    });
    nemesis.start();
    await scheduler.runUntil(20_000_000);
    nemesis.heal();
    expect(on).toBe(0);
    await scheduler.runUntil(40_000_000);
    expect(on).toBe(0);
    expect(ended).toBe(coverage.count('fault: trouble'));
    expect(ended).toBeGreaterThan(50);
    expect(coverage.count('fault: nothing to do')).toBe(0);
  });
});

describe('swarm', () => {
  it('gives runs without faults, with all of them, and with some', () => {
    const faults = Array.from({ length: 10 }, (_, i): Fault => ({
      name: `${i}`,
      durationMs: [0, 0],
      begin: () => undefined,
    }));
    const sizes = new Set<number>();
    for (let seed = 0; seed < 100; seed++) sizes.add(swarm(new Prng(seed), faults).enabled.length);
    expect(sizes).toContain(0);
    expect(sizes).toContain(10);
    expect(sizes.size).toBeGreaterThan(5);
  });
});
