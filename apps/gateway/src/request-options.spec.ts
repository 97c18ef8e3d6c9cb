import { Consistency } from '@holdfast/wire';
import { expect, it } from 'vitest';
import { consistency, deadlineMs, single } from './request-options.ts';

it('reads deadlines within the limits only', () => {
  expect(deadlineMs(undefined)).toBe(5000);
  expect(deadlineMs('1')).toBe(1);
  expect(deadlineMs('60000')).toBe(60_000);
  for (const bad of ['', '0', '-1', '60001', '1e3', '1.5', ' 1', 'soon', '999999999999']) {
    expect(() => deadlineMs(bad)).toThrow('HF_BAD_REQUEST');
  }
});

it('reads consistency levels that exist only', () => {
  expect(consistency(undefined)).toBe(Consistency.strong);
  expect(consistency('eventual')).toBe(Consistency.eventual);
  for (const bad of ['', 'STRONG', 'bounded', 'weak'])
    expect(() => consistency(bad)).toThrow('HF_BAD_REQUEST');
});

it('takes one value, not two', () => {
  expect(single('a', 'consistency')).toBe('a');
  expect(() => single(['a', 'b'], 'consistency')).toThrow('more than once');
});
