import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../scripts/cluster/deadline.ts';
import { PATIENCE_MS, ROOT, TestCluster } from './cluster.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
const file = (name: string): string => join(folder, name);
let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start();
}, 2 * PATIENCE_MS);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** The command as a process, with nothing in its environment that is not given here. */
function start(args: readonly string[], environment: Record<string, string> = {}, input = ''): Running {
  const process_ = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(ROOT, 'apps/cli/bin/holdfast.js'), ...args],
    {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1', ...environment },
    },
  );
  let [out, err] = ['', ''];
  process_.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  process_.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  process_.stdin.end(input);
  const ended = new Promise<Ended>((resolve) => {
    process_.once('close', (code) => resolve({ code, out, err }));
  });
  return { process: process_, ended };
}

const overHttp = (): Record<string, string> => ({
  HOLDFAST_URL: cluster.gatewayUrl,
  HOLDFAST_TOKEN: cluster.rootKey,
});
const overTcp = (): Record<string, string> => ({
  HOLDFAST_URL: cluster.nodesUrl,
});

describe.each([
  ['http://', overHttp],
  ['holdfast://', overTcp],
] as const)('over %s', (scheme, environment) => {
  const prefix = `${scheme.slice(0, 4)}/`;
  const holdfast = (...args: readonly string[]): Promise<Ended> => start(args, environment()).ended;
  const done = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await holdfast(...args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return out;
  };

  it('puts, gets, counts and deletes', async () => {
    const key = `${prefix}..`;
    expect(await done('put', key, 'a value')).toMatch(/^revision \d+\n$/);
    expect(await done('get', key)).toBe('a value');
    const shown = JSON.parse(await done('get', key, '--json')) as { revision: number };
    expect(shown).toMatchObject({ key, text: 'a value', content_type: 'text/plain; charset=utf-8' });
    const stale = await holdfast('put', key, 'x', '--if-revision', String(shown.revision - 1));
    expect(stale).toMatchObject({ code: 1, err: expect.stringContaining('HF_PRECONDITION_FAILED') });
    expect((await holdfast('put', key, 'x', '--if-absent')).code).toBe(1);
    await done('put', key, 'newer', '--if-revision', String(shown.revision));
    expect(await done('incr', `${prefix}n`)).toBe('1\n');
    expect(JSON.parse(await done('incr', `${prefix}n`, '41', '--json'))).toMatchObject({ value: 42 });
    await done('del', key);
    expect(await holdfast('get', key)).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining('HF_KEY_NOT_FOUND'),
    });
    expect((await holdfast('get', key, '-k', 'nowhere')).code).toBe(3);
    const refused = await holdfast('get', key, '--json');
    expect(JSON.parse(refused.err)).toMatchObject({ code: 'HF_KEY_NOT_FOUND', outcome: 'not_applied' });
  });

  it('takes values from standard input and files, byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    writeFileSync(file('bytes'), bytes);
    await done('put', `${prefix}file`, '--file', file('bytes'), '--content-type', 'application/octet-stream');
    expect(JSON.parse(await done('get', `${prefix}file`, '--json'))).toMatchObject({
      base64: bytes.toString('base64'),
    });
    const { code } = await start(['put', `${prefix}in`], environment(), 'from standard input').ended;
    expect(code).toBe(0);
    expect(await done('get', `${prefix}in`)).toBe('from standard input');
  });

  it('scans in order', async () => {
    for (const i of [2, 1, 3])
      await done('put', `${prefix}scan/${i}`, `{"i":${i}}`, '--content-type', 'application/json');
    expect(await done('scan', `${prefix}scan/`)).toBe(
      [1, 2, 3].map((i) => `${prefix}scan/${i}\t{"i":${i}}\n`).join(''),
    );
    expect(await done('scan', `${prefix}scan/`, '--reverse', '--limit', '2', '--keys-only')).toBe(
      `${prefix}scan/3\n${prefix}scan/2\n`,
    );
    const rows = (await done('scan', '--start', `${prefix}scan/2`, '--end', `${prefix}scan/3`, '--json'))
      .trim()
      .split('\n');
    expect(rows.map((row) => JSON.parse(row) as object)).toMatchObject([
      { key: `${prefix}scan/2`, value: { i: 2 } },
    ]);
  });

  it('watches, and goes on where it stopped', async () => {
    const watch = start(['watch', `${prefix}watch/`, '--json', '--limit', '3'], environment());
    // A watch without a beginning tells what happens once it stands: something is written until it does.
    const stop = { ended: false };
    void watch.ended.then(() => (stop.ended = true));
    for (let i = 0; !stop.ended && i < 100; i++) await done('put', `${prefix}watch/${i}`, `value ${i}`);
    const events = (await watch.ended).out.trim().split('\n');
    const seen = events.map((line) => JSON.parse(line) as { key: string; resume: number });
    expect(seen).toHaveLength(3);
    expect(seen[0]).toMatchObject({ type: 'put', text: expect.stringMatching(/^value \d+$/) as string });
    await done('del', `${prefix}watch/0`);
    const last = seen[1];
    const rest = await done(
      'watch',
      `${prefix}watch/`,
      '--from',
      String(last?.resume),
      '--limit',
      '1',
      '--json',
    );
    expect(JSON.parse(rest)).toMatchObject({ key: seen[2]?.key });
  });

  it('exports what it has imported, and goes on where it stopped', async () => {
    const name = `${prefix.slice(0, -1)}-in.ndjson`;
    const lines = Array.from(
      { length: 2500 },
      (_, i) =>
        `{"key":"${prefix}rows/${String(i).padStart(5, '0')}","value":{"i":${i},"n":12345678901234567890}}\n`,
    );
    writeFileSync(file(name), lines.join(''));
    expect(await done('import', name)).toBe('2500 rows written\n');
    const out = `${prefix.slice(0, -1)}-out.ndjson`;
    expect(await done('export', out, '--prefix', `${prefix}rows/`)).toBe(`2500 rows written to ${out}\n`);
    const whole = readFileSync(file(out), 'utf8');
    expect(whole.match(/"n":12345678901234567890/g)).toHaveLength(2500);
    expect((await holdfast('export', out)).code).toBe(2);
    // As an interruption leaves it: in the middle of a row.
    writeFileSync(file(out), whole.slice(0, Math.floor(whole.length / 2)));
    await done('export', out, '--prefix', `${prefix}rows/`, '--resume');
    expect(readFileSync(file(out), 'utf8')).toBe(whole);
    expect(JSON.parse(await done('import', out, '--json'))).toEqual({
      rows: 2500,
      written: 2500,
      refused: 0,
    });
  });

  it('reads and writes CSV', async () => {
    const rows = ['key,value', `${prefix}csv/1,plain`, `${prefix}csv/2,"with, ""quotes"" and`, 'a line"'];
    writeFileSync(file('in.csv'), `${rows.join('\n')}\n`);
    await done('import', 'in.csv');
    expect(await done('get', `${prefix}csv/2`)).toBe('with, "quotes" and\na line');
    const out = `${prefix.slice(0, -1)}-out.csv`;
    await done('export', out, '--prefix', `${prefix}csv/`);
    const whole = readFileSync(file(out), 'utf8');
    writeFileSync(file(out), whole.slice(0, -8));
    await done('export', out, '--prefix', `${prefix}csv/`, '--resume');
    expect(readFileSync(file(out), 'utf8')).toBe(whole);
  });

  it('measures', async () => {
    const args = ['bench', '--seconds', '1', '--clients', '8', '--keys', '100', '--json'];
    const put = JSON.parse(await done(...args, '--workload', 'put')) as { operations: number };
    expect(put.operations).toBeGreaterThan(0);
    expect(JSON.parse(await done(...args))).toMatchObject({ workload: 'mixed', clients: 8, failures: {} });
  });
});

describe('an import', () => {
  const holdfast = (...args: readonly string[]): Promise<Ended> => start(args, overHttp()).ended;

  it('that is interrupted goes on, and writes nothing twice that it has passed', async () => {
    const count = 4000;
    const lines = Array.from(
      { length: count },
      (_, i) => `{"key":"resume/${String(i).padStart(5, '0')}","text":"${i}"}\n`,
    );
    writeFileSync(file('resume.ndjson'), lines.join(''));
    const first = start(['import', 'resume.ndjson', '--rate', '1000'], overHttp());
    await until('a checkpoint', PATIENCE_MS, () => statSync(file('resume.ndjson.import')).size > 0);
    first.process.kill('SIGINT');
    const interrupted = await first.ended;
    expect(interrupted.code).toBe(2);
    const before = Number(/after (\d+) rows/.exec(interrupted.err)?.[1]);
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(count);
    const second = await holdfast('import', 'resume.ndjson', '--resume', '--json');
    expect(JSON.parse(second.out)).toEqual({ rows: count, written: count - before, refused: 0 });
    const { out } = await holdfast('scan', 'resume/', '--keys-only');
    expect(out.trim().split('\n')).toHaveLength(count);
    expect((await holdfast('import', 'resume.ndjson', '--resume')).err).toContain('nothing to resume');
  });

  it('names the rows that are none or that are refused, and says so at the end', async () => {
    writeFileSync(file('bad.ndjson'), '{"key":"ok","text":"x"}\nnot a row\n');
    expect(await holdfast('import', 'bad.ndjson')).toMatchObject({
      code: 2,
      err: expect.stringContaining('line 2'),
    });
    writeFileSync(
      file('large.ndjson'),
      `{"key":"${'k'.repeat(5000)}","text":"x"}\n{"key":"ok","text":"y"}\n`,
    );
    const large = await holdfast('import', 'large.ndjson');
    // A key that no cluster takes makes its whole batch a bad request, or is refused by itself.
    expect(large.code).toBe(1);
    expect(large.err).toContain('HF_KEY_TOO_LARGE');
  });
});

describe('access', () => {
  const root = (...args: readonly string[]): Promise<Ended> => start(args, overHttp()).ended;

  it('is given, listed, used up and taken back', async () => {
    const made = await root(
      'api-key',
      'create',
      '--tenant',
      'cli',
      '--name',
      'ci',
      '--grant',
      'write:default:cli/',
      '--expires-in',
      '1h',
    );
    const key = made.out.trim();
    expect(key).toMatch(/^hf_[0-9a-f]{16}_/);
    writeFileSync(file('token'), `${key}\n`);
    const asKey = (...args: readonly string[]): Promise<Ended> =>
      start([...args, '--token-file', file('token')], { HOLDFAST_URL: cluster.gatewayUrl }).ended;
    expect((await asKey('put', 'cli/1', 'x')).code).toBe(0);
    expect(await asKey('put', 'other', 'x')).toMatchObject({
      code: 4,
      err: expect.stringContaining('HF_FORBIDDEN'),
    });
    expect((await asKey('api-key', 'list')).code).toBe(4);
    expect((await root('api-key', 'list')).out).toContain('write:default:cli/');
    expect(JSON.parse((await asKey('usage', '--json')).out)).toMatchObject({
      tenant: 'cli',
      total: { puts: 1 },
    });
    expect((await root('usage', '--tenant', 'cli')).out).toContain('total');
    expect((await root('api-key', 'revoke', key.slice(0, 20))).out).toContain('revoked');
    expect(await asKey('get', 'cli/1')).toMatchObject({
      code: 4,
      err: expect.stringContaining('HF_UNAUTHENTICATED'),
    });
  });

  it('may come from a profile', async () => {
    const profiles = {
      default: { url: 'http://127.0.0.1:1' },
      here: { url: cluster.gatewayUrl, token: cluster.rootKey },
    };
    writeFileSync(file('config.json'), JSON.stringify({ profiles }));
    const environment = { HOLDFAST_CLI_CONFIG: file('config.json') };
    expect((await start(['put', 'profile', 'x', '--profile', 'here'], environment).ended).code).toBe(0);
    expect((await start(['get', 'profile'], { ...environment, HOLDFAST_PROFILE: 'here' }).ended).out).toBe(
      'x',
    );
    expect((await start(['get', 'profile'], environment).ended).code).toBe(69);
    expect((await start(['get', 'profile', '--profile', 'gone'], environment).ended).code).toBe(2);
  });
});

describe('the command', () => {
  it('shows the cluster', async () => {
    const { out } = await start(['status', '--admin', cluster.adminUrl]).ended;
    expect(out).toContain('serving');
  });

  it('ends with 2 when it is used wrongly, and with 0 when it is asked for help', async () => {
    for (const args of [
      [],
      ['nothing'],
      ['get'],
      ['get', 'k', '--consistency', 'some'],
      ['get', 'k', '-u', 'ftp://x'],
      ['put', 'k', 'v', '--ttl', '5'],
    ])
      expect(await start(args).ended).toMatchObject({ code: 2 });
    expect(await start(['--help']).ended).toMatchObject({
      code: 0,
      out: expect.stringContaining('69 nobody answered'),
    });
  });

  it('lets a reader stop reading', async () => {
    const many = start(['scan'], overHttp());
    many.process.stdout?.once('data', () => many.process.stdout?.destroy());
    expect((await many.ended).code).toBe(0);
  });
});
