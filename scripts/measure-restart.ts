/**
 * How long a data node takes from its start to the first good answer of `/readyz`, after it was killed and after it has
 * stopped in order, in a cluster of three: `node --conditions=source scripts/measure-restart.ts [--restarts 10] [--keys 2000]`.
 * `/readyz` is asked every 25 ms.
 */
import { parseArgs } from 'node:util';
import { connect } from '@holdfast/client/node';
import { nodeName, nodesUrl } from './cluster/layout.ts';
import type { LocalCluster } from './cluster/local-cluster.ts';
import { describeMachine, withCluster } from './cluster/measured-cluster.ts';
import { median } from './cluster/statistics.ts';

const { values } = parseArgs({
  options: {
    restarts: { type: 'string', default: '10' },
    keys: { type: 'string', default: '2000' },
  },
});
const RESTARTS = Number(values.restarts);
const PATIENCE_MS = 30_000;
/** In flight at once while the cluster is filled. */
const WRITES = 64;
const VALUE = 'v'.repeat(256);
const ENDS = ['SIGKILL', 'SIGTERM'] as const;

const timesMs = await withCluster(async (cluster) => {
  await fill(cluster);
  const times = { SIGKILL: [] as number[], SIGTERM: [] as number[] };
  for (let i = 0; i < RESTARTS; i++) {
    for (const signal of ENDS) {
      const name = nodeName((i % cluster.ports.nodes.length) + 1);
      await cluster.end(name, signal);
      const startMs = performance.now();
      cluster.spawn(name);
      await cluster.ready(PATIENCE_MS, [name]);
      times[signal].push(performance.now() - startMs);
    }
  }
  return times;
});

console.log(`${RESTARTS} restarts after each, nodes in turns, ${values.keys} keys`);
for (const signal of ENDS) {
  const times = timesMs[signal];
  const [low, high] = [Math.min(...times), Math.max(...times)];
  console.log(`${signal}: median ${median(times).toFixed(0)} ms, ${low.toFixed(0)} to ${high.toFixed(0)}`);
}
console.log(describeMachine());

async function fill({ ports }: LocalCluster): Promise<void> {
  await using db = await connect(nodesUrl(ports.nodes));
  const keys = db.keyspace<string>('default');
  for (let i = 0; i < Number(values.keys); i += WRITES) {
    const count = Math.min(WRITES, Number(values.keys) - i);
    await Promise.all(Array.from({ length: count }, (_, n) => keys.set(`key-${i + n}`, VALUE)));
  }
}
