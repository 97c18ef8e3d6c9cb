import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ClusterError, exitCodeOf } from './cluster-error.ts';
import { completionScript } from './commands/completion-command.ts';
import { targetOf, URL_DEFAULT } from './connection.ts';
import type { Output } from './output.ts';
import { createProgram } from './program.ts';
import { UsageError } from './usage-error.ts';

const silent: Output = {
  line: () => undefined,
  json: () => undefined,
  bytes: () => undefined,
  note: () => undefined,
  interactive: false,
};
const NOWHERE = { HOLDFAST_CLI_CONFIG: '', XDG_CONFIG_HOME: '/no/such/directory' };

describe('the target', () => {
  it('is that of the options, else of the environment, else of a profile, else the default', () => {
    expect(targetOf({}, NOWHERE)).toMatchObject({ url: URL_DEFAULT, token: undefined });
    const environment = { ...NOWHERE, HOLDFAST_URL: 'http://a:1', HOLDFAST_TOKEN: 'of-a' };
    expect(targetOf({}, environment)).toMatchObject({ url: 'http://a:1', token: 'of-a' });
    expect(targetOf({ url: 'holdfast://b:2', token: 'of-b' }, environment)).toMatchObject({
      url: 'holdfast://b:2',
      token: 'of-b',
    });
    expect(targetOf({}, { ...NOWHERE, HOLDFAST_URL: '', HOLDFAST_TOKEN: '' })).toMatchObject({
      url: URL_DEFAULT,
    });
  });

  it('has an identity of three files, or none', () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
    const file = join(directory, 'pem');
    const pem = '-----BEGIN X-----';
    writeFileSync(file, `${pem}\n`);
    const files = { ...NOWHERE, HOLDFAST_TLS_CERT_FILE: file, HOLDFAST_TLS_KEY_FILE: file };
    expect(() => targetOf({}, files)).toThrow('all three or none');
    const whole = targetOf({}, { ...files, HOLDFAST_TLS_CA_FILE: file });
    expect(whole.tls).toEqual({ cert: pem, key: pem, ca: pem });
    rmSync(directory, { recursive: true });
  });

  it('is refused when it is none', () => {
    expect(() => targetOf({ url: 'ftp://x' }, NOWHERE)).toThrow(UsageError);
    expect(() => targetOf({ profile: 'x' }, NOWHERE)).toThrow('/no/such/directory/holdfast/config.json');
    expect(() => targetOf({ tokenFile: '/no/such/file' }, NOWHERE)).toThrow('ENOENT');
  });
});

describe('the exit code', () => {
  it.each([
    [new ClusterError({ status: 0 }), 69],
    [new ClusterError({ status: 401, outcome: 'not_applied' }), 4],
    [new ClusterError({ status: 403, outcome: 'not_applied' }), 4],
    [new ClusterError({ status: 404, outcome: 'not_applied' }), 3],
    [new ClusterError({ status: 412, outcome: 'not_applied' }), 1],
    [new ClusterError({ status: 503, outcome: 'unknown', retryable: true }), 5],
    [new ClusterError({ status: 503, outcome: 'not_applied', retryable: true }), 75],
    [new UsageError('no'), 2],
  ])('of %s is %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});

describe('completion', () => {
  const program = createProgram(silent);

  it.skipIf(spawnSync('bash', ['--version']).status !== 0).each([
    ['holdfast ge', 'get'],
    ['holdfast api-key c', 'create'],
    ['holdfast get k --cons', '--consistency'],
    ['holdfast api-key create --te', '--tenant'],
  ])('in bash: %s', (line, word) => {
    const words = line.split(' ');
    const script = `${completionScript(program, 'bash')}
COMP_WORDS=(${words.map((one) => `'${one}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _holdfast; echo "\${COMPREPLY[*]}"`;
    expect(execFileSync('bash', ['-c', script]).toString().split(/\s+/)).toContain(word);
  });

  it('names every command in every shell', () => {
    for (const shell of ['bash', 'zsh', 'fish'] as const) {
      const script = completionScript(program, shell);
      for (const command of program.commands) expect(script).toContain(command.name());
    }
  });
});
