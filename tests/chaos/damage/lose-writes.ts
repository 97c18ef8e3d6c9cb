import { cpSync, rmSync } from 'node:fs';
import type { ChaosCluster } from '../cluster/chaos-cluster.ts';
import { pause } from '../deadline.ts';

const READY_MS_MAX = 60_000;

/**
 * Takes back what all disks wrote in the last `ms`, acknowledged or not: what a store would lose in a power failure if it
 * answered before it synced. A run with this must fail.
 */
export async function loseWrites(cluster: ChaosCluster, ms: number): Promise<void> {
  const { nodes } = cluster;
  await whileAllAreDead(cluster, () => {
    for (const { dataDirectory } of nodes)
      cpSync(dataDirectory, `${dataDirectory}.before`, { recursive: true });
  });
  await pause(ms);
  await whileAllAreDead(cluster, () => {
    for (const { dataDirectory } of nodes) {
      rmSync(dataDirectory, { recursive: true });
      cpSync(`${dataDirectory}.before`, dataDirectory, { recursive: true });
    }
  });
}

async function whileAllAreDead(cluster: ChaosCluster, work: () => void): Promise<void> {
  await Promise.all(cluster.nodes.map(({ process }) => process.kill()));
  work();
  for (const { process } of cluster.nodes) process.start();
  await cluster.ready(READY_MS_MAX);
}
