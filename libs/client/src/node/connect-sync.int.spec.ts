import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Listener } from '@holdfast/io';
import { TcpNetwork } from '@holdfast/io-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeCluster } from '../../testing/fake-cluster.ts';

const SCRIPT = fileURLToPath(new URL('../../testing/blocking-script.ts', import.meta.url));
const run = promisify(execFile);
/** A deadline is kept up to the time that two processes take to run on a busy machine. */
const LATE_MS_MAX = 2000;

/** Runs a part of the script in a process of its own; the nodes live in this one. */
async function script(target: string, part: string): Promise<Record<string, unknown>> {
  const { stdout } = await run(process.execPath, ['--conditions=source', SCRIPT, target, part], {
    timeout: 20_000,
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('connectSync', { timeout: 30_000 }, () => {
  let cluster: FakeCluster;
  let network: TcpNetwork;
  let listeners: Listener[];
  let target: string;

  beforeEach(async () => {
    cluster = new FakeCluster(3, ['g', 'row1']);
    network = new TcpNetwork();
    listeners = [];
    for (const node of cluster.nodes.values()) {
      const listener = await network.listen('127.0.0.1:0', (connection) => node.serve(connection));
      node.address = listener.address;
      listeners.push(listener);
    }
    target = `holdfast://${cluster.node(1).address},${cluster.node(2).address}`;
  });
  afterEach(async () => {
    await Promise.all(listeners.map((listener) => listener.close()));
    network.destroyAll();
  });

  it('does from a plain script what the asynchronous client does', async () => {
    const numbers = Array.from({ length: 25 }, (_, i) => i);
    expect(await script(target, 'everything')).toMatchObject({
      item: { value: { n: 1 }, contentType: 'application/json', servedLevel: 'strong', stalenessMs: 0 },
      counted: [1, 5],
      swapped: true,
      refused: { swapped: false },
      absent: true,
      blob: [0, 255],
      first: ['row00', 'row01', 'row02'],
      forward: numbers,
      keys: numbers.map((n) => `row${String(n).padStart(2, '0')}`),
      valueless: true,
      backward: numbers.toReversed().slice(0, 20),
      deleted: true,
      wrongDelete: { code: 'HF_PRECONDITION_FAILED', outcome: 'not_applied' },
      nobody: { code: 'HF_KEYSPACE_NOT_FOUND', outcome: 'not_applied' },
      lone: { code: 'HF_KEY_INVALID' },
    });
  });

  it('ends every call by its deadline, with an honest outcome, and goes on', async () => {
    for (const node of cluster.nodes.values()) {
      node.script = ({ reader }) => Buffer.from(reader.key(0)).toString() === 'silent';
    }
    const seen = await script(target, 'deadlines');
    expect(seen).toMatchObject({
      silentWrite: { code: 'HF_TIMEOUT', outcome: 'unknown' },
      silentRead: { code: 'HF_TIMEOUT', outcome: 'not_applied' },
      after: 1,
      closed: { code: 'HF_CANCELLED', outcome: 'not_applied' },
    });
    for (const [call, deadlineMs] of Object.entries({ silentWrite: 300, silentRead: 100 })) {
      const { tookMs } = seen[call] as { tookMs: number };
      expect(tookMs).toBeGreaterThanOrEqual(deadlineMs - 1);
      expect(tookMs).toBeLessThan(deadlineMs + LATE_MS_MAX);
    }
  });

  it('fails to connect in time, with the reason', async () => {
    await Promise.all(listeners.map((listener) => listener.close()));
    expect(await script(target, 'unreachable')).toMatchObject({
      code: 'HF_UNAVAILABLE',
      outcome: 'not_applied',
    });
    expect(await script('redis://127.0.0.1:1', 'unreachable')).toMatchObject({ code: 'HF_BAD_REQUEST' });
  });

  it('works on a line of its own, whatever flags the process has', async () => {
    const line = `import { connectSync } from '@holdfast/client/sync';
      console.log(connectSync('${target}').keyspace('users').set('a', 1).replayed);`;
    const flags = ['--conditions=source', '--input-type=module', '--eval', line];
    const { stdout } = await run(process.execPath, flags, { cwd: import.meta.dirname, timeout: 20_000 });
    expect(stdout).toBe('false\n');
  });

  it('holds up no script that ends', async () => {
    expect(await script(target, 'leave')).toBe('left');
  });
});
