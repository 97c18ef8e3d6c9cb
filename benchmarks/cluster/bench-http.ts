/**
 * `npm run bench:http`: our gateway against etcd's, over HTTP/1.1 with JSON, and what a token and an idempotency key
 * cost a request; about five minutes. The first is `bench:cluster` with the two systems that speak HTTP; its options
 * hold (`--quick`, `--json FILE`, `--clients 1,64`).
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
const quick = given.includes('--quick');
run('bench.ts', [...SYSTEMS, '--clients', quick ? '64' : '64,256', ...given]);
if (!given.includes('--help')) run('request-cost.ts', quick ? ['--quick'] : []);
