import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorsPage } from '../scripts/errors-page.ts';
import {
  ERROR_CODES,
  errorCode,
  errorInfo,
  errorNumber,
  OUTCOMES,
  outcomeNumber,
  outcomeOf,
} from './errors.ts';
import { HoldfastError, ProtocolError } from './holdfast-error.ts';

const page = join(import.meta.dirname, '../../../docs/errors.md');

describe('the table of errors', () => {
  it('gives each code a number of its own, which is not 0 and fits u16', () => {
    const numbers = ERROR_CODES.map(errorNumber);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) expect(number).toSatisfy((n: number) => n > 0 && n < 65_536);
    for (const code of ERROR_CODES) expect(errorCode(errorNumber(code))).toBe(code);
  });

  it('keeps to a few rules that clients rely on', () => {
    for (const code of ERROR_CODES) {
      const { status, retryable, outcome, title, description } = errorInfo(code);
      expect(code).toMatch(/^HF_[A-Z_]+$/);
      expect(status).toSatisfy((n: number) => n >= 400 && n <= 599);
      expect(title).toMatch(/^[A-Z][^.]*$|\?$/);
      expect(description).toMatch(/\.$/);
      // A request that is wrong stays wrong, and did nothing.
      if (status === 400 || status === 413) expect([retryable, outcome]).toEqual([false, 'not_applied']);
    }
  });

  it('reads a number from a later version as an internal error, outcome unknown', () => {
    expect(errorCode(64_000)).toBe('HF_INTERNAL');
    expect(errorInfo('HF_INTERNAL').outcome).toBe('unknown');
    expect(outcomeOf(9)).toBe('unknown');
    for (const outcome of OUTCOMES) expect(outcomeOf(outcomeNumber(outcome))).toBe(outcome);
  });

  it('is what docs/errors.md says', () => {
    if (process.env['UPDATE'] === '1') {
      mkdirSync(dirname(page), { recursive: true });
      writeFileSync(page, errorsPage());
    }
    expect(readFileSync(page, 'utf8')).toBe(errorsPage());
  });
});

describe('HoldfastError', () => {
  it('takes outcome from the table unless the case knows better', () => {
    expect(new HoldfastError('HF_NO_QUORUM').outcome).toBe('not_applied');
    expect(new HoldfastError('HF_NO_QUORUM', { outcome: 'unknown' }).outcome).toBe('unknown');
    expect(new HoldfastError('HF_TIMEOUT', { detail: 'after 5 s' }).message).toBe('HF_TIMEOUT: after 5 s');
  });

  it('is the kind of a protocol violation', () => {
    const error = new ProtocolError('length', 'frame of 0 bytes');
    expect(error).toBeInstanceOf(HoldfastError);
    expect([error.code, error.violation, error.retryable]).toEqual(['HF_PROTOCOL', 'length', false]);
  });
});
