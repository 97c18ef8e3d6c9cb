/**
 * `npm start`: three data nodes, a gateway and the admin app as processes of their own, until Ctrl-C.
 * `npm start -- --replace 3`: with a new node in the place of node 3, whose disk is lost.
 * Ports: `HOLDFAST_PORT_BASE`. Data: `HOLDFAST_DATA_DIR`. How much is logged: `HOLDFAST_LOG_LEVEL`. The gateway's root
 * key: `HOLDFAST_ROOT_KEY`.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { describeEnding } from './cluster/child.ts';
import { dataDirectoryOf } from './cluster/data-directory.ts';
import { HOST, nodeName, type Ports, portsOf } from './cluster/layout.ts';
import { LocalCluster, type Missing } from './cluster/local-cluster.ts';
import { LogPrinter } from './cluster/log-printer.ts';
import { keepNodeIds, nodeIdsOf, withReplaced } from './cluster/node-ids.ts';
import { isTaken, ownerOf } from './cluster/port-owner.ts';
import { readRunFile } from './cluster/run-file.ts';
import { START_REQUEST_FILE, START_SIGNAL } from './cluster/start-request.ts';

/** From the first process to the last `/readyz`. */
const READY_MS = 60_000;

const root = dirname(import.meta.dirname);
const dataDirectory = dataDirectoryOf(root, process.env);
if (!existsSync(join(root, 'apps', 'gateway', 'dist', 'main.js')))
  fail('not built: run npm start, or npm run build');
const running = readRunFile(dataDirectory);
const nodeIds = wantedNodes(process.argv.slice(2));
const ports = portsOf(process.env, nodeIds);
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
mkdirSync(dataDirectory, { recursive: true });
keepNodeIds(dataDirectory, nodeIds);

const startedMs = performance.now();
let starting = true;
let stopping = false;
const cluster = new LocalCluster({
  root,
  dataDirectory,
  ports,
  logLevel: process.env['HOLDFAST_LOG_LEVEL'] ?? 'info',
  rootKey: process.env['HOLDFAST_ROOT_KEY'],
  onLine: (name, line) => printer.print(name, line),
  onEnd(name, ending) {
    // Who ends before the cluster works is told of when it is clear what that means.
    if (stopping || starting) return;
    console.error(`\n${name} ended: ${describeEnding(ending)}. The rest goes on. ${wayBack(name)}\n`);
    if (cluster.anyRunning) return;
    console.error('nothing runs any more');
    process.exit(1);
  },
});
const printer = new LogPrinter(cluster.names);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop());
process.on(START_SIGNAL, startRequested);

try {
  const missing = await cluster.startQuorum(READY_MS);
  starting = false;
  if (!stopping) console.log(welcome((performance.now() - startedMs) / 1000, missing));
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

function welcome(seconds: number, missing: readonly Missing[]): string {
  const { gatewayUrl, adminUrl, rootKey } = cluster;
  const bearer = `-H 'Authorization: Bearer ${rootKey}'`;
  const key = `${gatewayUrl}/v1/keyspaces/default/keys/hello`;
  const isMissing = (name: string): boolean => missing.some((one) => one.name === name);
  const nodes = ports.nodes.map(({ id, tcp, http }) =>
    isMissing(nodeName(id))
      ? `  node ${id}    missing, see below`
      : `  node ${id}    ${HOST}:${tcp}   http://${HOST}:${http}/status`,
  );
  const without = missing.length === 0 ? '' : ` without ${missing.map(({ name }) => name).join(' and ')}`;
  const losses = missing.map(({ name, reason }) => `\n${reason}\n  ${wayBack(name)}\n`);
  return `
Holdfast is ready${without}, ${seconds.toFixed(1)} s after the first process.

  gateway   ${gatewayUrl}   API: ${gatewayUrl}/docs
  admin     ${isMissing('admin') ? 'missing, see below' : `${adminUrl}/v1/cluster`}
${nodes.join('\n')}
  data      ${shown(dataDirectory)}
  key       ${rootKey}   may do everything; kept in the data directory, for development

Try:
  curl -i -X PUT ${key} ${bearer} -H 'Content-Type: text/plain' -d 'world'
  curl -i ${key} ${bearer}
  curl ${adminUrl}/v1/cluster

Break it: npm run cluster:kill -- leader     Look: npm run cluster:status     Stop: Ctrl-C
${losses.join('')}`;
}

/** How a process that ended, or never got ready, comes back. */
function wayBack(name: string): string {
  const id = /^node-(\d+)$/.exec(name)?.[1];
  if (id !== undefined && cluster.lastWordsOf(name)?.code === 'HF_NODE_DISK_LOST')
    return `Its data is gone, and the others do not let an empty disk vote under its id. Put a new node in its place: Ctrl-C, then npm start -- --replace ${id}`;
  if (cluster.pidOf(name) !== undefined) return 'It runs, and may still get ready: npm run cluster:status';
  return `Bring it back: npm run cluster:start-node -- ${id ?? name}`;
}

/** The ids of the nodes to run; one is new when one is to be replaced. */
function wantedNodes(args: readonly string[]): readonly number[] {
  try {
    const { values } = parseArgs({ args: [...args], options: { replace: { type: 'string' } } });
    const ids = nodeIdsOf(dataDirectory);
    if (values.replace === undefined) return ids;
    const lost = Number(values.replace);
    const wanted = withReplaced(ids, lost);
    const empty = ids.find((id) => id !== lost && !existsSync(join(dataDirectory, nodeName(id))));
    if (empty !== undefined) throw new Error(`node ${empty} has no data: there is nothing to copy from`);
    return wanted;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function shown(path: string): string {
  const inside = relative(process.cwd(), path);
  return inside === '' || inside.startsWith('..') ? path : `./${inside}`;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
