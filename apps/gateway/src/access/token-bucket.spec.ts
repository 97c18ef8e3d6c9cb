import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

const rate = fc.double({ min: 0.1, max: 10_000, noNaN: true });
const steps = fc.array(
  fc.record({ afterMs: fc.integer({ min: 0, max: 3000 }), amount: fc.integer({ min: 1, max: 50 }) }),
  { minLength: 1, maxLength: 200 },
);
/** Rounding of sums of a few hundred doubles. */
const CLOSE = 1e-6;

describe('a token bucket', () => {
  it('never gives more than its rate over any stretch of time, plus what it holds', () => {
    fc.assert(
      fc.property(rate, steps, (perSecond, asked) => {
        const bucket = new TokenBucket(perSecond, 0);
        const taken: { atMs: number; amount: number }[] = [];
        let nowMs = 0;
        for (const { afterMs, amount } of asked) {
          nowMs += afterMs;
          if (bucket.waitMs(nowMs, amount) > 0) continue;
          bucket.spend(nowMs, amount);
          taken.push({ atMs: nowMs, amount });
        }
        for (const [first, { atMs: fromMs }] of taken.entries()) {
          let sum = 0;
          for (const { atMs, amount } of taken.slice(first)) {
            sum += amount;
            const most = bucket.capacity + ((atMs - fromMs) / 1000) * perSecond;
            expect(sum).toBeLessThanOrEqual(most * (1 + CLOSE) + CLOSE);
          }
        }
      }),
    );
  });

  it('says exactly how long to wait', () => {
    fc.assert(
      fc.property(
        rate,
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 0, max: 10_000 }),
        (perSecond, amount, debt) => {
          const bucket = new TokenBucket(perSecond, 0);
          bucket.spend(0, debt);
          const waitMs = bucket.waitMs(0, amount);
          fc.pre(Number.isFinite(waitMs) && waitMs > 0);
          expect(bucket.waitMs(waitMs * (1 - 1e-9) - CLOSE, amount)).toBeGreaterThan(0);
          expect(bucket.waitMs(waitMs * (1 + 1e-9) + CLOSE, amount)).toBe(0);
        },
      ),
    );
  });

  it('holds no more than a second of its rate, however long nobody asks', () => {
    const bucket = new TokenBucket(10, 0);
    expect(bucket.level(1e9)).toBe(10);
    expect(new TokenBucket(0.5, 0).level(1e9)).toBe(1);
    expect(bucket.waitMs(1e9, 11)).toBe(Number.POSITIVE_INFINITY);
  });

  it('pays off a debt first, and gains nothing from a clock that goes back', () => {
    const bucket = new TokenBucket(10, 1000);
    bucket.spend(1000, 30);
    expect(bucket.level(1000)).toBe(-20);
    expect(bucket.level(500)).toBe(-20);
    expect(bucket.waitMs(1000, 1)).toBe(2100);
    expect(bucket.level(3000)).toBe(0);
  });
});
