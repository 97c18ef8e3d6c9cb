import { ERROR_CODES, ERRORS, type Outcome } from '@holdfast/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseRetry, isSafeToResend, type RetryQuestion } from './retry-policy.ts';

const question = (more: Partial<RetryQuestion>): RetryQuestion => ({
  code: 'HF_OVERLOADED',
  outcome: 'not_applied',
  write: true,
  idempotent: false,
  attempts: 1,
  attemptsMax: 10,
  remainingMs: 1000,
  backoffMs: 10,
  retryAfterMs: 0,
  ...more,
});

describe('chooseRetry', () => {
  it.each<[string, Partial<RetryQuestion>, unknown]>([
    ['a write that was not applied', {}, { kind: 'retry', delayMs: 10 }],
    ['the wait that the node asks for', { retryAfterMs: 50 }, { kind: 'retry', delayMs: 60 }],
    [
      'a plain write of unknown outcome',
      { outcome: 'unknown', code: 'HF_TIMEOUT' },
      { kind: 'give-up', reason: 'unsafe' },
    ],
    [
      'the same with an idempotency key',
      { outcome: 'unknown', code: 'HF_TIMEOUT', idempotent: true },
      { kind: 'retry', delayMs: 10 },
    ],
    [
      'a read of unknown outcome',
      { outcome: 'unknown', code: 'HF_TIMEOUT', write: false },
      { kind: 'retry', delayMs: 10 },
    ],
    ['what stays wrong', { code: 'HF_KEY_TOO_LARGE' }, { kind: 'give-up', reason: 'not-retryable' }],
    ['the last try', { attempts: 10 }, { kind: 'give-up', reason: 'attempts' }],
    ['a wait beyond the deadline', { retryAfterMs: 2000 }, { kind: 'give-up', reason: 'deadline' }],
  ])('%s', (_name, more, choice) => {
    expect(chooseRetry(question(more))).toEqual(choice);
  });

  it('never sends a write again that may have been applied and carries no idempotency key', () => {
    const any = fc.record({
      code: fc.constantFrom(...ERROR_CODES),
      outcome: fc.constantFrom<Outcome>('applied', 'not_applied', 'unknown'),
      write: fc.boolean(),
      idempotent: fc.boolean(),
      attempts: fc.integer({ min: 1, max: 20 }),
      attemptsMax: fc.constant(10),
      remainingMs: fc.integer({ min: -10, max: 5000 }),
      backoffMs: fc.integer({ min: 0, max: 500 }),
      retryAfterMs: fc.integer({ min: 0, max: 5000 }),
    });
    fc.assert(
      fc.property(any, (asked) => {
        const choice = chooseRetry(asked);
        if (choice.kind === 'give-up') return;
        expect(isSafeToResend(asked.write, asked.outcome, asked.idempotent)).toBe(true);
        expect(asked.write && asked.outcome !== 'not_applied' && !asked.idempotent).toBe(false);
        expect(ERRORS[asked.code].retryable).toBe(true);
        expect(choice.delayMs).toBeLessThan(asked.remainingMs);
        expect(choice.delayMs).toBeGreaterThanOrEqual(asked.retryAfterMs);
      }),
    );
  });
});
