import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  addressSetting,
  listSetting,
  numberedSetting,
  portSetting,
  readSettings,
  SettingsError,
  variableOf,
} from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));
const fileWith = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const schema = z.object({
  httpPort: portSetting.default(7700),
  token: z.string().optional(),
  seeds: listSetting(addressSetting),
});
const problemsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    readSettings(schema, environment);
    return [];
  } catch (error) {
    return (error as SettingsError).problems;
  }
};

describe('readSettings', () => {
  it('takes the environment over the file over the default', () => {
    const config = fileWith('a.json', JSON.stringify({ httpPort: 1, seeds: ['a:1', 'b:2'] }));
    expect(readSettings(schema, { HOLDFAST_SEEDS: 'a:1' })).toEqual({ httpPort: 7700, seeds: ['a:1'] });
    expect(readSettings(schema, { HOLDFAST_CONFIG: config })).toEqual({ httpPort: 1, seeds: ['a:1', 'b:2'] });
    expect(
      readSettings(schema, { HOLDFAST_CONFIG: config, HOLDFAST_HTTP_PORT: '2', HOLDFAST_SEEDS: '' }),
    ).toMatchObject({ httpPort: 2, seeds: ['a:1', 'b:2'] });
  });

  it('reads a secret from the file that its variable names', () => {
    const path = fileWith('token', 'secret\n');
    expect(readSettings(schema, { HOLDFAST_SEEDS: 'a:1', HOLDFAST_TOKEN_FILE: path }).token).toBe('secret');
    expect(problemsOf({ HOLDFAST_SEEDS: 'a:1', HOLDFAST_TOKEN_FILE: '/no/such' })).toHaveLength(1);
  });

  it('lists every problem at once, by the name of its variable', () => {
    const config = fileWith('b.json', JSON.stringify({ colour: 'red' }));
    const problems = problemsOf({ HOLDFAST_CONFIG: config, HOLDFAST_HTTP_PORT: '70000' });
    expect(problems).toHaveLength(3);
    expect(problems[0]).toContain('colour');
    expect(problems.join('\n')).toContain('HOLDFAST_HTTP_PORT: Too big');
    expect(problems.join('\n')).toContain('HOLDFAST_SEEDS: is missing');
  });

  it('says what is wrong with the file', () => {
    for (const content of ['[]', '{', 'null']) {
      expect(
        problemsOf({ HOLDFAST_SEEDS: 'a:1', HOLDFAST_CONFIG: fileWith('c.json', content) }),
      ).toHaveLength(1);
    }
  });
});

it('names variables after settings', () => {
  expect(variableOf('nodeId')).toBe('HOLDFAST_NODE_ID');
});

it('reads lists of numbered addresses', () => {
  const members = z.object({ members: listSetting(numberedSetting(addressSetting)) });
  expect(readSettings(members, { HOLDFAST_MEMBERS: '1=127.0.0.1:7711, 2=[::1]:7712' }).members).toEqual([
    { id: 1, value: '127.0.0.1:7711' },
    { id: 2, value: '[::1]:7712' },
  ]);
  for (const bad of ['127.0.0.1:7711', '0=a:1', '1=a', '1=', 'x=a:1']) {
    expect(() => readSettings(members, { HOLDFAST_MEMBERS: bad })).toThrow(SettingsError);
  }
});
