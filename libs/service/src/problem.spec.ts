import { revision } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { holdfastErrorOf, problemOf, retryAfterSeconds } from './problem.ts';

describe('problemOf', () => {
  it('tells code, status, outcome and the request', () => {
    expect(
      problemOf(new HoldfastError('HF_NO_QUORUM', { outcome: 'unknown', detail: 'one of three' }), 'r1'),
    ).toEqual({
      type: 'urn:holdfast:error:HF_NO_QUORUM',
      title: 'No quorum',
      status: 503,
      detail: 'one of three',
      code: 'HF_NO_QUORUM',
      retryable: true,
      outcome: 'unknown',
      request_id: 'r1',
    });
  });

  it('has no detail where there is nothing to say', () => {
    expect(problemOf(new HoldfastError('HF_COMPACTED', { detail: '' }), '')).not.toHaveProperty('detail');
  });

  it('carries the current revision of a refused condition, 0 included', () => {
    expect(
      problemOf(new HoldfastError('HF_PRECONDITION_FAILED', { revision: revision(0) }), '').revision,
    ).toBe(0);
  });
});

describe('retryAfterSeconds', () => {
  it('is whole seconds, at least one, for what may be tried again', () => {
    expect(retryAfterSeconds(new HoldfastError('HF_OVERLOADED', { retryAfterMs: 50 }))).toBe(1);
    expect(retryAfterSeconds(new HoldfastError('HF_UNAVAILABLE', { retryAfterMs: 2100 }))).toBe(3);
    expect(retryAfterSeconds(new HoldfastError('HF_TIMEOUT'))).toBe(1);
    expect(retryAfterSeconds(new HoldfastError('HF_CONFLICT'))).toBeUndefined();
    expect(retryAfterSeconds(new HoldfastError('HF_KEY_NOT_FOUND'))).toBeUndefined();
  });
});

describe('holdfastErrorOf', () => {
  it.each([
    [Object.assign(new Error('too big'), { statusCode: 413 }), 'HF_VALUE_TOO_LARGE', 'too big'],
    [Object.assign(new Error('no'), { statusCode: 418 }), 'HF_BAD_REQUEST', 'no'],
    [Object.assign(new Error('gone'), { getStatus: () => 404 }), 'HF_NOT_FOUND', undefined],
    [new Error('secret'), 'HF_INTERNAL', undefined],
    [Object.assign(new Error('secret'), { statusCode: 500 }), 'HF_INTERNAL', undefined],
    ['a string', 'HF_INTERNAL', undefined],
    [null, 'HF_INTERNAL', undefined],
  ])('%s is %s', (thrown, code, detail) => {
    expect(holdfastErrorOf(thrown)).toMatchObject({ code, detail, cause: thrown });
  });

  it('leaves errors of the table as they are', () => {
    const error = new HoldfastError('HF_CONFLICT');
    expect(holdfastErrorOf(error)).toBe(error);
  });
});
