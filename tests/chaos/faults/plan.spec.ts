import { describe, expect, it } from 'vitest';
import { FAULT_NAMES, FAULTS, planFaults, splitPlan, swarm } from './plan.ts';

const MINUTE_MS = 60_000;

describe('planFaults', () => {
  it('is a pure function of its arguments', () => {
    expect(planFaults(7, MINUTE_MS, FAULT_NAMES)).toEqual(planFaults(7, MINUTE_MS, FAULT_NAMES));
    expect(planFaults(8, MINUTE_MS, FAULT_NAMES)).not.toEqual(planFaults(7, MINUTE_MS, FAULT_NAMES));
  });

  it('ends every fault in time, and none lasts longer than it may', () => {
    for (let seed = 1; seed <= 100; seed++) {
      for (const { name, atMs, durationMs } of planFaults(seed, MINUTE_MS, FAULT_NAMES)) {
        expect(atMs + durationMs).toBeLessThanOrEqual(MINUTE_MS);
        expect(durationMs).toBeLessThanOrEqual(FAULTS[name][1]);
      }
    }
  });

  it('has every fault within a minute', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const names = new Set(planFaults(seed, MINUTE_MS, FAULT_NAMES).map(({ name }) => name));
      expect([...FAULT_NAMES].filter((name) => !names.has(name))).toEqual([]);
    }
  });

  it('has only what is enabled', () => {
    const names = planFaults(3, MINUTE_MS, ['kill', 'reset']).map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(['kill', 'reset']));
    expect(planFaults(3, MINUTE_MS, [])).toEqual([]);
  });
});

describe('splitPlan', () => {
  it('keeps every fault, and ends those before the split in time', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const plan = planFaults(seed, MINUTE_MS, FAULT_NAMES);
      const [before, after] = splitPlan(plan, MINUTE_MS / 2);
      expect([...before, ...after].map(({ name }) => name)).toEqual(plan.map(({ name }) => name));
      for (const { atMs, durationMs } of [...before, ...after]) {
        expect(atMs).toBeGreaterThanOrEqual(0);
        expect(atMs + durationMs).toBeLessThanOrEqual(MINUTE_MS / 2);
      }
    }
  });
});

describe('swarm', () => {
  it('has some faults for every seed, and all for some', () => {
    const choices = Array.from({ length: 30 }, (_, seed) => swarm(seed));
    expect(choices.every(({ length }) => length > 0)).toBe(true);
    expect(choices.some(({ length }) => length === FAULT_NAMES.length)).toBe(true);
    expect(choices.some(({ length }) => length < FAULT_NAMES.length)).toBe(true);
  });
});
