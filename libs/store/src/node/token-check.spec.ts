import { expect, it } from 'vitest';
import { TokenCheck } from './token-check.ts';

it('asks nobody when there are no tokens', () => {
  expect(new TokenCheck([]).accepts('')).toBe(true);
  expect(new TokenCheck([]).accepts('anything')).toBe(true);
});

it.each([
  ['new', true],
  ['old', true],
  ['', false],
  ['ne', false],
  ['newer', false],
  ['neW', false],
  ['\ud800', false],
])('knows the tokens of a change: %s', (token, expected) => {
  expect(new TokenCheck(['new', 'old']).accepts(token)).toBe(expected);
});

it('does not take the empty token for one of nothing but lone surrogates', () => {
  expect(new TokenCheck(['\ud800']).accepts('')).toBe(false);
});
