import { Prng } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.ts';

const make = (): CircuitBreaker =>
  new CircuitBreaker({ failuresMax: 3, openMs: { base: 100, cap: 800 }, probeMs: 1000 }, new Prng(1));

describe('CircuitBreaker', () => {
  it('opens after so many failures in a row', () => {
    const breaker = make();
    breaker.failed(0, false);
    breaker.failed(0, false);
    breaker.succeeded();
    breaker.failed(0, false);
    breaker.failed(0, false);
    expect(breaker.state(0)).toBe('closed');
    breaker.failed(0, false);
    expect(breaker.state(0)).toBe('open');
    expect(breaker.allow(1)).toBe(false);
  });

  it('opens at once when there is no doubt', () => {
    const breaker = make();
    breaker.failed(0, true);
    expect(breaker.state(0)).toBe('open');
  });

  it('lets one probe pass when the time is over; success closes it', () => {
    const breaker = make();
    breaker.failed(0, true);
    expect(breaker.state(100)).toBe('half-open');
    expect([breaker.allow(100), breaker.allow(100)]).toEqual([true, false]);
    breaker.succeeded();
    expect([breaker.closed, breaker.allow(100), breaker.allow(100)]).toEqual([true, true, true]);
  });

  it('stays open longer after each failed probe, up to the cap', () => {
    const breaker = make();
    let nowMs = 0;
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      breaker.failed(nowMs, true);
      const failedAtMs = nowMs;
      while (!breaker.allow(nowMs)) nowMs++;
      waits.push(nowMs - failedAtMs);
    }
    const ceilings = [100, 200, 400, 800, 800, 800];
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(ceilings[i] / 2);
      expect(wait).toBeLessThanOrEqual(ceilings[i] + 1);
    }
  });

  it('forgets a probe that never reports', () => {
    const breaker = make();
    breaker.failed(0, true);
    expect(breaker.allow(100)).toBe(true);
    expect(breaker.allow(1099)).toBe(false);
    expect(breaker.allow(1100)).toBe(true);
  });

  it('lets a probe pass at once when somebody has seen the node alive', () => {
    const breaker = make();
    breaker.failed(0, true);
    breaker.hinted(1);
    expect(breaker.allow(1)).toBe(true);
  });

  it('never passes two probes within a probe time while it is open', () => {
    const step = fc.tuple(fc.nat(300), fc.constantFrom('allow', 'fail'));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const breaker = make();
        breaker.failed(0, true);
        let nowMs = 0;
        let probedAtMs = Number.NEGATIVE_INFINITY;
        for (const [waitMs, action] of steps) {
          nowMs += waitMs;
          if (action === 'fail') {
            breaker.failed(nowMs, true);
            probedAtMs = Number.NEGATIVE_INFINITY;
          } else if (breaker.allow(nowMs)) {
            expect(nowMs - probedAtMs).toBeGreaterThanOrEqual(1000);
            probedAtMs = nowMs;
          }
        }
      }),
    );
  });
});
