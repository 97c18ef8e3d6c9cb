/**
 * `npm run cluster:start-node -- <n>|gateway|admin`: asks the running `npm start` to bring back a process that has
 * ended, and waits until it is ready. It runs under the same supervision as before.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answersOk, until } from './cluster/deadline.ts';
import { nodeName } from './cluster/layout.ts';
import { readRunFile } from './cluster/run-file.ts';
import { runningCluster } from './cluster/running-cluster.ts';
import { START_REQUEST_FILE, START_SIGNAL } from './cluster/start-request.ts';

const READY_MS = 30_000;

const [target = ''] = process.argv.slice(2);
const { run, dataDirectory } = runningCluster();
if (run === undefined) fail('no cluster runs here: npm start');
const name = /^\d+$/.test(target) ? nodeName(Number(target)) : target;
const wanted = run.processes.find((process) => process.name === name);
if (wanted === undefined) fail('usage: npm run cluster:start-node -- <node id>|gateway|admin');
if (wanted.pid !== undefined) fail(`${name} runs already (pid ${wanted.pid})`);

writeFileSync(join(dataDirectory, START_REQUEST_FILE), name);
process.kill(run.supervisor, START_SIGNAL);
let started = false;
const outcome = await until(`${name} is ready`, READY_MS, async () => {
  const runs = readRunFile(dataDirectory)?.processes.some(
    (one) => one.name === name && one.pid !== undefined,
  );
  if (started && runs !== true) return 'ended again; npm start says why';
  started ||= runs === true;
  return (await answersOk(`${wanted.url}/readyz`)) && 'ready';
});
if (outcome !== 'ready') fail(`${name} has ${outcome}`);
console.log(`${name} is ready`);

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
