/**
 * Kills the leader again and again under a running write loop, and prints how long writes paused each time:
 * `node --conditions=source scripts/measure-failover.ts [--kills 10] [--writers 16] [--json]`.
 * The pause is the longest time between two acknowledged writes around a kill, over all writers.
 */
import { parseArgs } from 'node:util';
import { until } from './cluster/deadline.ts';
import { describeMachine, withCluster } from './cluster/measured-cluster.ts';
import type { LocalCluster } from './cluster/local-cluster.ts';
import { median } from './cluster/statistics.ts';
import { WriteLoop } from './cluster/write-loop.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10' },
    writers: { type: 'string', default: '16' },
    json: { type: 'boolean', default: false },
  },
});
/** Undisturbed writing before a kill and after the recovery. */
const CALM_MS = 500;
const PATIENCE_MS = 30_000;

const pausesMs = await withCluster(async (cluster) => {
  const loop = new WriteLoop(cluster.gatewayUrl, cluster.rootKey, Number(values.writers));
  const pauses: number[] = [];
  for (let kill = 1; kill <= Number(values.kills); kill++) {
    await sleep(CALM_MS);
    loop.resetLongestPause();
    const leader = await until('a leader', PATIENCE_MS, () => cluster.leader());
    await cluster.end(leader, 'SIGKILL');
    await loop.acknowledges(Number(values.writers) * 4);
    await sleep(CALM_MS);
    pauses.push(loop.longestPauseMs);
    if (!values.json)
      console.log(`kill ${kill}: ${leader}, writes paused for ${loop.longestPauseMs.toFixed(0)} ms`);
    await bringBack(cluster, leader);
  }
  await loop.stop();
  return pauses;
});

const result = {
  kills: pausesMs.length,
  medianMs: Math.round(median(pausesMs)),
  maxMs: Math.round(Math.max(...pausesMs)),
  pausesMs: pausesMs.map((pause) => Math.round(pause)),
};
if (values.json) console.log(JSON.stringify({ ...result, machine: describeMachine() }));
else console.log(`\nmedian ${result.medianMs} ms, longest ${result.maxMs} ms\n${describeMachine()}`);

async function bringBack(cluster: LocalCluster, name: string): Promise<void> {
  cluster.spawn(name);
  await cluster.ready(PATIENCE_MS, [name]);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
