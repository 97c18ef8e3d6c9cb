/** `npm run cluster:status [-- --json]`: the nodes with pid, address and state, and the leader of every range. */
import { parseArgs } from 'node:util';
import { nodeName } from './cluster/layout.ts';
import { runningCluster } from './cluster/running-cluster.ts';

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const cluster = runningCluster();
const view = await cluster.view();

const nodes = view.nodes.map(({ id, state, ready, pid, address, url }) => ({
  id,
  pid: pid ?? cluster.run?.processes.find(({ name }) => name === nodeName(id))?.pid ?? null,
  address: address ?? null,
  http: url,
  state,
  ready,
}));
const ranges = view.ranges.map(({ id, leader, term }) => ({
  id,
  leader: leader === 0 ? null : leader,
  term,
}));

if (values.json) {
  console.log(JSON.stringify({ nodes, ranges }));
} else {
  console.log('node  state     ready  pid      address');
  for (const { id, state, ready, pid, address, http } of nodes) {
    const columns = [String(id).padEnd(6), state.padEnd(10), (ready ? 'yes' : 'no').padEnd(7)];
    console.log(`${columns.join('')}${String(pid ?? '-').padEnd(9)}${address ?? http}`);
  }
  console.log('\nrange  leader  term');
  for (const { id, leader, term } of ranges) {
    console.log(`${String(id).padEnd(7)}${String(leader ?? 'none').padEnd(8)}${term}`);
  }
}
process.exitCode = nodes.some(({ state }) => state === 'serving') ? 0 : 1;
