import { Prng, randomFraction } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { LatencyQuantile } from './latency-quantile.ts';

describe('LatencyQuantile', () => {
  it('says nothing before it has seen enough', () => {
    const p95 = new LatencyQuantile(0.95);
    for (let i = 0; i < 31; i++) p95.record(5);
    expect(p95.valueMs).toBeUndefined();
    p95.record(5);
    expect(p95.valueMs).toBeGreaterThanOrEqual(5);
    expect(p95.valueMs).toBeLessThan(6.1);
  });

  it('finds the quantile of a spread, at most a fifth too high', () => {
    const random = new Prng(1);
    const p95 = new LatencyQuantile(0.95);
    for (let i = 0; i < 4096; i++) p95.record(100 * randomFraction(random));
    expect(p95.valueMs).toBeGreaterThan(90);
    expect(p95.valueMs).toBeLessThan(115);
  });

  it('forgets the past', () => {
    const p95 = new LatencyQuantile(0.95);
    for (let i = 0; i < 2000; i++) p95.record(400);
    for (let i = 0; i < 4096; i++) p95.record(2);
    expect(p95.valueMs).toBeLessThan(3);
  });

  it('takes whatever a clock gives', () => {
    const p95 = new LatencyQuantile(0.95);
    for (const odd of [0, -1, Number.NaN, 1e12]) for (let i = 0; i < 16; i++) p95.record(odd);
    expect(p95.valueMs).toBeGreaterThan(0);
    expect(Number.isFinite(p95.valueMs)).toBe(true);
  });
});
