/**
 * `npm run load -- smoke`: runs a load test of `loadtests/` with a real k6, against `HOLDFAST_URL` (with
 * `HOLDFAST_TOKEN`) or a cluster of its own. k6 is taken from PATH, or built once with Go; without either this says so.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freeClusterPorts } from './cluster/free-ports.ts';
import { LocalCluster } from './cluster/local-cluster.ts';

const ROOT = dirname(import.meta.dirname);
const TESTS = join(ROOT, 'loadtests');
const WORK = join(ROOT, '.holdfast');
const K6 = 'go.k6.io/k6@v1.3.0';
const START_MS_MAX = 60_000;
/** When the leader dies, and for how long. */
const FAILOVER = { afterMs: 15_000, downMs: 10_000 };

function find(program: string): string | undefined {
  return [join(WORK, 'bin'), ...(process.env['PATH'] ?? '').split(delimiter)]
    .map((directory) => join(directory, program))
    .find((file) => existsSync(file));
}

/** The exit code of a program whose output goes where ours goes. */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    spawn(program, args, { stdio: 'inherit', env })
      .on('error', reject)
      .on('close', (code) => resolve(code ?? 1));
  });
}

async function findK6(): Promise<string | undefined> {
  const found = find('k6');
  if (found !== undefined) return found;
  const go = find('go');
  if (go === undefined) return undefined;
  console.log(`k6 is not on PATH: building ${K6} with Go, once`);
  await run(go, ['install', K6], { ...process.env, GOBIN: join(WORK, 'bin') });
  return find('k6');
}

/** Kills the leader and starts it again. */
async function failOver(cluster: LocalCluster): Promise<void> {
  await delay(FAILOVER.afterMs);
  const leader = await cluster.leader();
  if (leader === undefined) throw new Error('no range has a leader');
  console.log(`\n${leader} is killed`);
  await cluster.end(leader, 'SIGKILL');
  await delay(FAILOVER.downMs);
  cluster.spawn(leader);
  console.log(`\n${leader} is started again`);
}

async function onOwnCluster(test: string, k6: string): Promise<number> {
  const data = mkdtempSync(join(WORK, 'load-'));
  const ports = await freeClusterPorts();
  const cluster = new LocalCluster({ root: ROOT, dataDirectory: data, ports, onLine: () => undefined });
  try {
    await cluster.start(START_MS_MAX);
    const fault = test === 'failover' ? failOver(cluster) : Promise.resolve();
    const env = { ...process.env, HOLDFAST_URL: cluster.gatewayUrl, HOLDFAST_TOKEN: cluster.rootKey };
    const [code] = await Promise.all([run(k6, ['run', join(TESTS, `${test}.ts`)], env), fault]);
    return code;
  } finally {
    await cluster.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

async function main([test = '', ...rest]: readonly string[]): Promise<number> {
  const tests = readdirSync(TESTS)
    .filter((name) => name.endsWith('.ts') && name !== 'mix.ts')
    .map((name) => name.slice(0, -'.ts'.length));
  if (!tests.includes(test) || rest.length > 0) {
    console.error(`npm run load -- <test>; there are ${tests.join(', ')}`);
    return 2;
  }
  mkdirSync(WORK, { recursive: true });
  const k6 = await findK6();
  if (k6 === undefined) {
    console.error('skipped: there is no k6 on PATH, and no Go to build it with');
    return 0;
  }
  if (process.env['HOLDFAST_URL'] !== undefined) {
    return run(k6, ['run', join(TESTS, `${test}.ts`)], process.env);
  }
  return onOwnCluster(test, k6);
}

process.exitCode = await main(process.argv.slice(2));
