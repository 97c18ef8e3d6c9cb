import { describe, expect, it } from 'vitest';
import { Budget } from './budget.ts';

describe('a budget', () => {
  it('admits as many requests a second as it says', () => {
    const budget = new Budget({ requestsPerSecond: 10 }, 0);
    let admitted = 0;
    for (let nowMs = 0; nowMs <= 10_000; nowMs += 7) {
      try {
        budget.admit(nowMs);
        admitted += 1;
      } catch (error) {
        expect(error).toMatchObject({
          code: 'HF_QUOTA_EXCEEDED',
          detail: 'at most "requests": 10 per second',
        });
      }
    }
    // Ten at once, and ten in each of ten seconds.
    expect(admitted).toBeGreaterThanOrEqual(109);
    expect(admitted).toBeLessThanOrEqual(110);
  });

  it('lets an answer be larger than what is left, and makes the next request wait for it', () => {
    const budget = new Budget({ bytesPerSecond: 100 }, 0);
    budget.admit(0);
    budget.spendBytes(0, 1100);
    expect(budget.state(0)).toBe('"bytes";r=0;t=11');
    expect(() => budget.admit(9000)).toThrow('HF_QUOTA_EXCEEDED');
    budget.admit(10_010);
    expect(budget.policy).toBe('"bytes";q=100;w=1;qu="content-bytes"');
  });

  it('holds open watches until they are closed', () => {
    const budget = new Budget({ watchers: 2 }, 0);
    budget.openWatch();
    budget.openWatch();
    expect(() => budget.openWatch()).toThrow('at most 2 open watches');
    budget.closeWatch();
    budget.openWatch();
    expect(budget.policy).toBe('');
  });

  it('of nothing admits nothing', () => {
    const budget = new Budget({ watchers: 0 }, 0);
    expect(() => budget.openWatch()).toThrow('at most 0');
  });
});
