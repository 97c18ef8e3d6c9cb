import { join } from 'node:path';
import type { StartOptions } from './system.ts';

const PROFILE_PRELOAD = join(import.meta.dirname, '..', 'profile-preload.ts');

/** How our servers are started where a cluster is started for use (`scripts/cluster/child.ts`). */
export const SERVER_FLAGS: readonly string[] = [
  '--disable-warning=ExperimentalWarning',
  '--initial-old-space-size=512',
  '--min-semi-space-size=16',
  '--max-semi-space-size=64',
];

/** Arguments of Node for a process of the benchmark that runs from its sources. */
export function nodeArguments(flags: readonly string[] = []): readonly string[] {
  return ['--conditions=source', '--disable-warning=ExperimentalWarning', ...flags];
}

/** Arguments of Node for one of our applications, which are built. */
export function applicationArguments({ nodeFlags = [], profiled = false }: StartOptions): readonly string[] {
  const preload = profiled ? ['--import', PROFILE_PRELOAD] : [];
  return [...SERVER_FLAGS, ...preload, ...nodeFlags];
}
