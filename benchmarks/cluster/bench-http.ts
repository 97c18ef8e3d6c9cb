/**
 * `npm run bench:http`: our gateway against etcd's, over HTTP/1.1 with JSON, and what an idempotency key costs a
 * request. The first is `bench:cluster` with the two systems that speak HTTP; its options hold (`--quick`, `--json`).
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const FLAGS = ['--conditions=source', '--disable-warning=ExperimentalWarning'];
const SYSTEMS = ['--systems', 'holdfast-http,etcd-http', '--workloads', 'put,get'];

function run(script: string, args: readonly string[]): void {
  const file = join(import.meta.dirname, script);
  const { status } = spawnSync(process.execPath, [...FLAGS, file, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

const given = process.argv.slice(2);
run('bench.ts', [...SYSTEMS, ...given]);
if (!given.includes('--help')) run('idempotency-cost.ts', []);
