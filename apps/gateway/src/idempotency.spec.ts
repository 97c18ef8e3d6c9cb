import { expect, it } from 'vitest';
import { Caller } from './access/caller.ts';
import { idempotencyKeyText, scopedKey } from './idempotency.ts';

const callerOf = (tenant: string): Caller => new Caller({ id: 'x', tenant, grants: [], limits: {} });

it('takes keys of 1 to 255 bytes', () => {
  expect(idempotencyKeyText(undefined)).toBeUndefined();
  expect(idempotencyKeyText('a\u00ff')).toBe('a\u00ff');
  for (const bad of ['', 'x'.repeat(256)]) {
    expect(() => idempotencyKeyText(bad)).toThrow('HF_IDEMPOTENCY_KEY_INVALID');
  }
  expect(() => idempotencyKeyText(['a', 'b'])).toThrow('more than once');
});

it('keeps tenants apart, and a tenant together', () => {
  expect(scopedKey(callerOf('a'), undefined)).toBeUndefined();
  expect(scopedKey(callerOf('a'), 'order')).toEqual(scopedKey(callerOf('a'), 'order'));
  expect(scopedKey(callerOf('a'), 'order')).not.toEqual(scopedKey(callerOf('b'), 'order'));
  expect(scopedKey(callerOf('a'), 'order')).not.toEqual(scopedKey(callerOf('a'), 'orders'));
});
