/** `npm run cluster:kill -- leader|<n>|gateway|admin`: SIGKILL, as a crash would be. */
import { nodeName } from './cluster/layout.ts';
import { busiestLeader } from './cluster/local-cluster.ts';
import { runningCluster } from './cluster/running-cluster.ts';

const [target] = process.argv.slice(2);
const cluster = runningCluster();
const { run, nodes } = cluster;
if (target === undefined) fail('usage: npm run cluster:kill -- leader|<node id>|gateway|admin');
if (run === undefined) fail('no cluster runs here: npm start');

const view = await cluster.view();
const name = nameOf(target);
const pid = run.processes.find((process) => process.name === name)?.pid;
if (pid === undefined) fail(`${name} does not run`);
process.kill(pid, 'SIGKILL');
const led = view.ranges.filter(({ leader }) => nodeName(leader) === name).map(({ id }) => id);
const role = led.length === 0 ? '' : `, leader of ${led.length === 1 ? 'range' : 'ranges'} ${led.join(', ')}`;
console.log(`killed ${name} (pid ${pid})${role}`);

function nameOf(wanted: string): string {
  if (wanted === 'gateway' || wanted === 'admin') return wanted;
  if (wanted === 'leader') {
    const id = busiestLeader(view);
    return id === undefined ? fail('no range has a leader now') : nodeName(id);
  }
  if (!nodes.some(({ id }) => String(id) === wanted)) fail(`there is no node ${wanted}`);
  return nodeName(Number(wanted));
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
