import { runClusterSeed } from '../cluster/cluster-run.ts';
import { runRaftSeed } from '../raft-only/raft-run.ts';
import type { RunOptions, RunReport } from './report.ts';

/** `cluster`: the real store and client. `raft`: only the consensus core, a hundred times as many seeds. */
export type WorldName = 'cluster' | 'raft';

const WORLDS: Readonly<Record<WorldName, (seed: number, options?: RunOptions) => Promise<RunReport>>> = {
  cluster: runClusterSeed,
  raft: runRaftSeed,
};

export const WORLD_NAMES = Object.keys(WORLDS) as readonly WorldName[];

export function isWorldName(name: string): name is WorldName {
  return Object.hasOwn(WORLDS, name);
}

export function runSeed(world: WorldName, seed: number, options?: RunOptions): Promise<RunReport> {
  return WORLDS[world](seed, options);
}

/**
 * Runs a seed twice and compares the digests: a run that depends on anything but its seed cannot be replayed,
 * and is a failure of its own.
 */
export async function runSeedTwice(
  world: WorldName,
  seed: number,
  options: RunOptions = {},
): Promise<RunReport> {
  const first = await runSeed(world, seed, options);
  const second = await runSeed(world, seed, options);
  if (first.hash === second.hash && first.events === second.events) return first;
  const detail = `digests ${hex(first.hash)} and ${hex(second.hash)}, ${first.events} and ${second.events} events`;
  return {
    ...first,
    failure: { invariant: 'deterministic', detail, lastEvents: first.failure?.lastEvents ?? [] },
  };
}

export function hex(hash: number): string {
  return hash.toString(16).padStart(8, '0');
}
