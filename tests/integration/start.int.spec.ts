import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeEnding, type Ending } from '../../scripts/cluster/child.ts';
import { until } from '../../scripts/cluster/deadline.ts';
import { freeClusterPorts, freePorts } from '../../scripts/cluster/free-ports.ts';
import { isAlive, readRunFile } from '../../scripts/cluster/run-file.ts';
import { PATIENCE_MS, ROOT } from './cluster.ts';

/** Several starts of a cluster of five processes. */
const SLOWLY = { timeout: 6 * PATIENCE_MS };

/** A script of the project, as npm runs it. */
class Script {
  readonly process: ChildProcess;
  readonly ended: Promise<Ending>;
  output = '';

  constructor(args: readonly string[]) {
    this.process = spawn(
      process.execPath,
      ['--conditions=source', '--disable-warning=ExperimentalWarning', ...args],
      {
        cwd: ROOT,
        env: { ...process.env, ...environment, NO_COLOR: '1' },
      },
    );
    const collect = (chunk: Buffer): void => void (this.output += chunk.toString());
    this.process.stdout?.on('data', collect);
    this.process.stderr?.on('data', collect);
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  says(text: string): Promise<true> {
    return until(`"${text}" in the output`, PATIENCE_MS, () => this.output.includes(text)).catch(
      (error: unknown) => {
        throw new Error(this.output, { cause: error });
      },
    );
  }
}

async function run(
  ...args: readonly string[]
): Promise<{ readonly ending: string; readonly output: string }> {
  const script = new Script(args);
  return { ending: describeEnding(await script.ended), output: script.output };
}

interface Status {
  readonly nodes: readonly { readonly id: number; readonly pid: number | null; readonly state: string }[];
  readonly ranges: readonly { readonly id: number; readonly leader: number | null }[];
}

async function status(): Promise<Status> {
  return JSON.parse((await run('scripts/cluster-status.ts', '--json')).output) as Status;
}

const directory = mkdtempSync(join(tmpdir(), 'holdfast-start-'));
let environment: Record<string, string>;
let start: Script;

/** What `npm start` has printed, and keeps. */
function rootKey(): string {
  return readFileSync(join(directory, 'development-key'), 'utf8').trim();
}

beforeAll(async () => {
  const { gateway, admin, nodes } = await freeClusterPorts();
  const [tcp, http] = await freePorts(2);
  environment = {
    HOLDFAST_DATA_DIR: directory,
    HOLDFAST_GATEWAY_PORT: String(gateway),
    HOLDFAST_ADMIN_PORT: String(admin),
    ...Object.fromEntries(
      [...nodes, { id: 4, tcp, http }].flatMap(({ id, tcp, http }) => [
        [`HOLDFAST_NODE_${id}_PORT`, String(tcp)],
        [`HOLDFAST_NODE_${id}_HTTP_PORT`, String(http)],
      ]),
    ),
  };
  await restart();
}, 2 * PATIENCE_MS);

afterAll(async () => {
  start.process.kill('SIGTERM');
  await start.ended;
  rmSync(directory, { recursive: true, force: true });
});

async function restart(...options: readonly string[]): Promise<void> {
  start = new Script(['scripts/start.ts', ...options]);
  await start.says('Holdfast is ready');
}

describe('npm start', () => {
  const hasCurl = spawnSync('curl', ['--version']).status === 0;

  it.skipIf(!hasCurl)('prints three commands that work', async () => {
    const lines = start.output.split('\n').filter((line) => line.startsWith('  curl '));
    expect(lines).toHaveLength(3);
    const answers: string[] = [];
    for (const line of lines) {
      const curl = spawn('sh', ['-c', `${line.trim()} -sS`]);
      let text = '';
      curl.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      await new Promise((resolve) => curl.once('close', resolve));
      answers.push(text);
    }
    expect(answers[0]).toContain('"revision":');
    expect(answers[1]).toContain('\r\n\r\nworld');
    expect(answers[2]).toContain('"nodes":[');
  });

  it('serves the command line as well', async () => {
    const gateway = `http://127.0.0.1:${environment['HOLDFAST_GATEWAY_PORT']}`;
    const admin = `http://127.0.0.1:${environment['HOLDFAST_ADMIN_PORT']}`;
    const holdfast = (...args: readonly string[]) => run('apps/cli/bin/holdfast.js', ...args);
    environment['HOLDFAST_TOKEN'] = rootKey();
    expect((await holdfast('put', '../cli', 'a value', '-u', gateway)).output).toMatch(/^revision \d+\n$/);
    expect(await holdfast('get', '../cli', '-u', gateway)).toEqual({
      ending: 'exit code 0',
      output: 'a value',
    });
    expect(await holdfast('put', '../cli', 'x', '--if-absent', '-u', gateway)).toMatchObject({
      ending: 'exit code 1',
      output: expect.stringContaining('HF_PRECONDITION_FAILED'),
    });
    expect((await holdfast('status', '--admin', admin)).output).toContain('serving');
  });

  it('says who has the ports when it is started twice, and starts nothing', async () => {
    const { ending, output } = await run('scripts/start.ts');
    expect(ending).toBe('exit code 1');
    expect(output).toContain(`port ${environment['HOLDFAST_GATEWAY_PORT']} (gateway) is taken by pid `);
    expect(output).toContain(`npm start with pid ${start.process.pid}`);
    expect(output).toContain('nothing was started');
  });

  it('tells of a killed node, restarts nothing by itself, and brings it back when asked', async () => {
    const before = await status();
    expect(before.nodes.map(({ state }) => state)).toEqual(['serving', 'serving', 'serving']);
    const kill = await run('scripts/cluster-kill.ts', 'leader');
    const id = Number(/^killed node-(\d)/.exec(kill.output)?.[1]);
    expect(kill.output).toContain(`(pid ${before.nodes.find((node) => node.id === id)?.pid})`);
    await start.says(`node-${id} ended: signal SIGKILL`);

    const after = await until('the others lead every range', PATIENCE_MS, async () => {
      const seen = await status();
      return seen.ranges.every(({ leader }) => leader !== null && leader !== id) && seen;
    });
    expect(after.nodes.find((node) => node.id === id)).toMatchObject({ state: 'down', pid: null });

    const back = await run('scripts/cluster-start-node.ts', String(id));
    expect(back).toEqual({ ending: 'exit code 0', output: `node-${id} is ready\n` });
    expect((await status()).nodes.find((node) => node.id === id)?.state).toBe('serving');
  });

  it('refuses what makes no sense', async () => {
    expect((await run('scripts/cluster-kill.ts')).output).toContain('usage');
    expect((await run('scripts/cluster-kill.ts', '9')).output).toContain('no node 9');
    expect((await run('scripts/cluster-start-node.ts', '1')).output).toContain('runs already');
  });

  it('leaves nothing behind when it is killed itself', async () => {
    const pids = readRunFile(directory)?.processes.map(({ pid }) => pid ?? 0) ?? [];
    expect(pids).toHaveLength(5);
    start.process.kill('SIGKILL');
    await until('every process is gone', PATIENCE_MS, () => pids.every((pid) => !isAlive(pid)));
    await restart();
  });

  it('stops everything on Ctrl-C, and keeps the data', async () => {
    const pids = (await status()).nodes.map(({ pid }) => pid ?? 0);
    const clusterId = readFileSync(join(directory, 'cluster-id'), 'utf8');
    start.process.kill('SIGINT');
    expect(await start.ended).toEqual({ code: 0, signal: null });
    expect(pids.filter((pid) => isAlive(pid))).toEqual([]);

    await restart();
    expect(readFileSync(join(directory, 'cluster-id'), 'utf8')).toBe(clusterId);
    const url = `http://127.0.0.1:${environment['HOLDFAST_GATEWAY_PORT']}/v1/keyspaces/default/keys/hello`;
    const headers = { authorization: `Bearer ${rootKey()}` };
    expect(await (await fetch(url, { headers })).text()).toBe('world');
    expect((await fetch(url)).status).toBe(401);
  });

  it(
    'works without a node that has lost its disk, says so, and puts a new one in its place',
    SLOWLY,
    async () => {
      const stop = async (): Promise<void> => {
        start.process.kill('SIGINT');
        expect(await start.ended).toEqual({ code: 0, signal: null });
      };
      await stop();
      rmSync(join(directory, 'node-3'), { recursive: true });
      await restart();
      await start.says('npm start -- --replace 3');
      expect(start.output).toContain('Holdfast is ready without node-3');
      expect(start.output).toContain('known with another data directory');
      expect(start.output).not.toContain('stopping the rest');
      const url = `http://127.0.0.1:${environment['HOLDFAST_GATEWAY_PORT']}/v1/keyspaces/default/keys/two-of-three`;
      const headers = { authorization: `Bearer ${rootKey()}` };
      expect((await fetch(url, { method: 'PUT', body: 'kept', headers })).status).toBe(200);
      const back = await run('scripts/cluster-start-node.ts', '3');
      expect(back).toEqual({ ending: 'exit code 1', output: 'node-3 has ended again; npm start says why\n' });

      await stop();
      await restart('--replace', '3');
      const { nodes, ranges } = await status();
      expect(nodes.map(({ id, state }) => [id, state])).toEqual([1, 2, 4].map((id) => [id, 'serving']));
      expect(ranges.every(({ leader }) => leader !== null)).toBe(true);
      expect(await (await fetch(url, { headers })).text()).toBe('kept');
      // The new one has a vote: without it and one of the others nothing would be acknowledged.
      await run('scripts/cluster-kill.ts', '1');
      await start.says('node-1 ended: signal SIGKILL');
      await until(
        'a write is acknowledged',
        PATIENCE_MS,
        async () => (await fetch(url, { method: 'PUT', body: 'again', headers })).ok,
      );
    },
  );

  it('stops with a word when a majority of the nodes has lost its disk', SLOWLY, async () => {
    start.process.kill('SIGINT');
    await start.ended;
    for (const id of [1, 4]) rmSync(join(directory, `node-${id}`), { recursive: true });
    start = new Script(['scripts/start.ts']);
    expect(await start.ended).toEqual({ code: 1, signal: null });
    expect(start.output).toContain('2 of 3 data nodes are missing');
    expect(start.output).not.toContain('Holdfast is ready');
    expect((await run('scripts/start.ts', '--replace', '3')).output).toContain('there is no node 3');
    rmSync(join(directory, 'node-2'), { recursive: true });
    expect((await run('scripts/start.ts', '--replace', '1')).output).toContain('node 2 has no data');
  });
});
