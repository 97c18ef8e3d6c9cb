import { expect, it } from 'vitest';
import { z } from 'zod';
import { isWholeTls, nodeTokenSetting, tlsOf, tlsSettings, WHOLE_TLS } from './transport-settings.ts';

const schema = z.object(tlsSettings).refine(isWholeTls, WHOLE_TLS);
const pem = '-----BEGIN X-----';

it('takes all of an identity, or nothing', () => {
  const whole = { tlsCert: pem, tlsKey: `${pem} key`, tlsCa: `${pem} ca` };
  expect(tlsOf(schema.parse(whole))).toEqual({ cert: pem, key: `${pem} key`, ca: `${pem} ca` });
  expect(tlsOf(schema.parse({}))).toBeUndefined();
});

it.each([[{ tlsCert: pem }], [{ tlsKey: pem, tlsCa: pem }], [{ tlsCert: pem, tlsKey: pem }]])(
  'refuses half of one: %o',
  (half) => {
    expect(schema.safeParse(half).error?.issues).toMatchObject([{ message: WHOLE_TLS.error }]);
  },
);

it('refuses a path in place of what is in the file', () => {
  expect(schema.safeParse({ tlsCert: '/a', tlsKey: '/b', tlsCa: '/c' }).success).toBe(false);
});

it.each([
  ['sixteen-letters-', true],
  ['fifteen-letters', false],
  ['with a blank in it', false],
  ['with,a,comma,inside', false],
])('of tokens takes %s: %s', (token, expected) => {
  expect(nodeTokenSetting.safeParse(token).success).toBe(expected);
});
