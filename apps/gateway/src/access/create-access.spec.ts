import { SystemClock } from '@holdfast/io-node';
import { createLogger } from '@holdfast/telemetry';
import { SettingsError } from '@holdfast/service';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { accessSettings } from './access-settings.ts';
import { createAccess } from './create-access.ts';

const log = createLogger({ app: 'gateway', level: 'silent' });
const client = { execute: () => Promise.reject(new Error('nobody asks')) };
const schema = z.object(accessSettings);
const ROOT = 'root-key-of-this-test-0123456789abcdef';
const DEVELOPMENT = `hf_dev_${'x'.repeat(43)}`;

function problemsOf(settings: z.input<typeof schema>): readonly string[] {
  try {
    createAccess(schema.parse(settings), client, new SystemClock(), log);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
}

describe('the gateway does not start', () => {
  it.each<[string, z.input<typeof schema>, string]>([
    ['when nobody could come in', {}, 'HOLDFAST_ROOT_KEY: is missing'],
    ['in production without a secret', { env: 'production' }, 'HOLDFAST_ROOT_KEY: is missing'],
    ['in production without authentication', { env: 'production', auth: 'off' }, 'off is refused'],
    ['with JWTs for anybody', { jwtKeys: 'https://x.example/jwks' }, 'HOLDFAST_JWT_AUDIENCE: is missing'],
    ['with an audience alone', { rootKey: ROOT, jwtAudience: 'x' }, 'HOLDFAST_JWT_AUDIENCE: needs'],
    [
      'in production with keys over http',
      { env: 'production', jwtAudience: 'x', jwtKeys: 'http://x.example/jwks' },
      'http is refused',
    ],
    ['with keys that cannot be read', { jwtAudience: 'x', jwtKeys: '/no/such/file' }, 'ENOENT'],
    ['in production with a development key', { env: 'production', rootKey: DEVELOPMENT }, 'development key'],
  ])('%s', (_when, settings, problem) => {
    expect(problemsOf(settings)).toEqual([expect.stringContaining(problem)]);
  });

  it('with a key that is short, or is no token', () => {
    expect(schema.safeParse({ rootKey: 'short' }).success).toBe(false);
    expect(schema.safeParse({ rootKey: `${'x'.repeat(40)} y` }).success).toBe(false);
  });
});

describe('the gateway starts', () => {
  it.each<[string, z.input<typeof schema>]>([
    ['in development without authentication, when told so', { auth: 'off' }],
    ['in development with a development key', { rootKey: DEVELOPMENT }],
    ['with JWTs alone', { env: 'production', jwtAudience: 'x', jwtIssuer: 'https://x.example' }],
    ['in production with a key of its own', { env: 'production', rootKey: ROOT }],
  ])('%s', (_when, settings) => {
    expect(problemsOf(settings)).toEqual([]);
  });
});
