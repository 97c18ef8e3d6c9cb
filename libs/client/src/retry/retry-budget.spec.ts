import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetryBudget } from './retry-budget.ts';

describe('RetryBudget', () => {
  it('is spent, and earned again by successes', () => {
    const budget = new RetryBudget({ capacity: 2, earnedPerSuccess: 0.5 });
    expect([budget.spend(), budget.spend(), budget.spend()]).toEqual([true, true, false]);
    budget.succeeded();
    expect(budget.spend()).toBe(false);
    budget.succeeded();
    expect(budget.spend()).toBe(true);
  });

  it('never lets through more than its capacity and what successes earned', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 500 }), (events) => {
        const budget = new RetryBudget({ capacity: 10, earnedPerSuccess: 0.1 });
        let successes = 0;
        let retries = 0;
        for (const success of events) {
          if (success) {
            successes++;
            budget.succeeded();
          } else if (budget.spend()) retries++;
          expect(budget.tokens).toBeLessThanOrEqual(10);
          expect(retries).toBeLessThanOrEqual(10 + successes * 0.1 + 1e-9);
        }
      }),
    );
  });
});
