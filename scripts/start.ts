/**
 * `npm start`: three data nodes, a gateway and the admin app as processes of their own, until Ctrl-C.
 * Ports: `HOLDFAST_PORT_BASE`. Data: `HOLDFAST_DATA_DIR`. How much is logged: `HOLDFAST_LOG_LEVEL`. The gateway's root
 * key: `HOLDFAST_ROOT_KEY`.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describeEnding } from './cluster/child.ts';
import { dataDirectoryOf } from './cluster/data-directory.ts';
import { HOST, type Ports, portsOf } from './cluster/layout.ts';
import { LocalCluster } from './cluster/local-cluster.ts';
import { LogPrinter } from './cluster/log-printer.ts';
import { isTaken, ownerOf } from './cluster/port-owner.ts';
import { readRunFile } from './cluster/run-file.ts';
import { START_REQUEST_FILE, START_SIGNAL } from './cluster/start-request.ts';

/** From the first process to the last `/readyz`. */
const READY_MS = 60_000;

const root = dirname(import.meta.dirname);
const dataDirectory = dataDirectoryOf(root, process.env);
const ports = portsOf(process.env);

if (!existsSync(join(root, 'apps', 'gateway', 'dist', 'main.js')))
  fail('not built: run npm start, or npm run build');
const running = readRunFile(dataDirectory);
const taken = await takenPorts(ports);
if (taken.length > 0) {
  const hint =
    running === undefined ? '' : `\nthis cluster runs already: npm start with pid ${running.supervisor}`;
  fail(
    `${taken.join('\n')}${hint}\nnothing was started; another port base: HOLDFAST_PORT_BASE=7900 npm start`,
  );
}
if (running !== undefined)
  fail(`${shown(dataDirectory)} is in use by npm start with pid ${running.supervisor}`);

const startedMs = performance.now();
let stopping = false;
const cluster = new LocalCluster({
  root,
  dataDirectory,
  ports,
  logLevel: process.env['HOLDFAST_LOG_LEVEL'] ?? 'info',
  rootKey: process.env['HOLDFAST_ROOT_KEY'],
  onLine: (name, line) => printer.print(name, line),
  onEnd(name, ending) {
    if (stopping) return;
    const id = /^node-(\d+)$/.exec(name)?.[1];
    const way = `npm run cluster:start-node -- ${id ?? name}`;
    console.error(`\n${name} ended: ${describeEnding(ending)}. The rest goes on. Bring it back: ${way}\n`);
    if (cluster.anyRunning) return;
    console.error('nothing runs any more');
    process.exit(1);
  },
});
const printer = new LogPrinter(cluster.names);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop());
process.on(START_SIGNAL, startRequested);

try {
  await cluster.start(READY_MS);
  if (!stopping) console.log(welcome((performance.now() - startedMs) / 1000));
} catch (error) {
  if (!stopping) {
    console.error(`\n${error instanceof Error ? error.message : String(error)}\nstopping the rest`);
    await stop(1);
  }
}

async function stop(exitCode = 0): Promise<void> {
  if (stopping) {
    console.error('\nstopping at once');
    cluster.kill();
    process.exit(1);
  }
  stopping = true;
  console.log('\nstopping (again: at once)');
  await cluster.stop();
  console.log('stopped');
  process.exit(exitCode);
}

/** `npm run cluster:start-node` has left a name and knocked. */
function startRequested(): void {
  const path = join(dataDirectory, START_REQUEST_FILE);
  try {
    const name = readFileSync(path, 'utf8').trim();
    rmSync(path);
    cluster.spawn(name);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
  }
}

async function takenPorts({ gateway, admin, nodes }: Ports): Promise<string[]> {
  const uses: [port: number, use: string][] = [
    [gateway, 'gateway'],
    [admin, 'admin'],
    ...nodes.flatMap(({ id, tcp, http }): [number, string][] => [
      [tcp, `node ${id}`],
      [http, `node ${id}, HTTP`],
    ]),
  ];
  const lines: string[] = [];
  for (const [port, use] of uses) {
    if (!(await isTaken(HOST, port))) continue;
    const owner = ownerOf(port);
    lines.push(`port ${port} (${use}) is taken${owner === undefined ? '' : ` by ${owner}`}`);
  }
  return lines;
}

function welcome(seconds: number): string {
  const { gatewayUrl, adminUrl, rootKey } = cluster;
  const bearer = `-H 'Authorization: Bearer ${rootKey}'`;
  const key = `${gatewayUrl}/v1/keyspaces/default/keys/hello`;
  const nodes = ports.nodes.map(
    ({ id, tcp, http }) => `  node ${id}    ${HOST}:${tcp}   http://${HOST}:${http}/status`,
  );
  return `
Holdfast is ready, ${seconds.toFixed(1)} s after the first process.

  gateway   ${gatewayUrl}   API: ${gatewayUrl}/docs
  admin     ${adminUrl}/v1/cluster
${nodes.join('\n')}
  data      ${shown(dataDirectory)}
  key       ${rootKey}   may do everything; kept in the data directory, for development

Try:
  curl -i -X PUT ${key} ${bearer} -H 'Content-Type: text/plain' -d 'world'
  curl -i ${key} ${bearer}
  curl ${adminUrl}/v1/cluster

Break it: npm run cluster:kill -- leader     Look: npm run cluster:status     Stop: Ctrl-C
`;
}

function shown(path: string): string {
  const inside = relative(process.cwd(), path);
  return inside === '' || inside.startsWith('..') ? path : `./${inside}`;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
