import { parseArgs } from 'node:util';
import { CANARIES } from '../runs/canaries.ts';
import { type Kept, parseNumbers, parseSteps } from '../runs/mask.ts';
import { isWorldName, WORLD_NAMES, type WorldName } from '../runs/worlds.ts';

export const USAGE = `Usage: npm run sim -- [options]

  --seed N           run one seed, twice; prints what failed and the last events
  --seeds N          run a batch of N seeds, each twice, and sum up the coverage
  --from M           first seed of a batch (default 1)
  --jobs K           threads of a batch (default 1)
  --world NAME       ${WORLD_NAMES.join(' | ')} (default cluster): the real store and client, or the Raft core alone
  --canary NAME      plant a bug; succeeds when a seed finds it
  --canaries         plant every known bug, one after the other; succeeds when each is found
  --history FILE     with --seed: write what the clients did as JSON lines
  --shrink           with --seed: leave out faults and steps of clients while the same invariant breaks
  --keep-faults LIST with --seed: only these faults happen, such as 3,7-9 or none (printed by --shrink)
  --keep-steps LIST  with --seed: only these steps of workers, such as 0:1-4,9/2:3 (printed by --shrink)

Canaries: ${[...new Set(CANARIES.map(({ name }) => name))].join(', ')}`;

export interface Arguments {
  readonly mode: 'seed' | 'shrink' | 'batch' | 'canary' | 'canaries';
  readonly world: WorldName;
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly canary: string | undefined;
  readonly history: string | undefined;
  /** With a single seed: what of it happens. */
  readonly kept: Kept | undefined;
}

/** @throws Error with a message for people. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      from: { type: 'string' },
      jobs: { type: 'string' },
      world: { type: 'string' },
      canary: { type: 'string' },
      canaries: { type: 'boolean' },
      history: { type: 'string' },
      shrink: { type: 'boolean' },
      'keep-faults': { type: 'string' },
      'keep-steps': { type: 'string' },
    },
  });
  const { canary, history } = values;
  const known = CANARIES.filter(({ name }) => name === canary);
  if (canary !== undefined && known.length === 0) throw new Error(`unknown canary ${canary}`);
  const world = values.world ?? known[0]?.world ?? 'cluster';
  if (!isWorldName(world)) throw new Error(`unknown world ${world}`);
  const single = values.seed !== undefined;
  let mode: Arguments['mode'] = 'batch';
  if (values.canaries === true) mode = 'canaries';
  else if (single) mode = values.shrink === true ? 'shrink' : 'seed';
  else if (canary !== undefined) mode = 'canary';
  return {
    mode,
    world,
    from: number('seed', values.seed) ?? number('from', values.from) ?? 1,
    seeds: single ? 1 : (number('seeds', values.seeds) ?? known[0]?.seedsMax ?? 100),
    jobs: number('jobs', values.jobs) ?? 1,
    canary,
    history,
    kept: keptOf(values['keep-faults'], values['keep-steps']),
  };
}

function keptOf(faults: string | undefined, steps: string | undefined): Kept | undefined {
  if (faults === undefined && steps === undefined) return undefined;
  return {
    faults: faults === undefined ? undefined : parseNumbers(faults),
    steps: steps === undefined ? undefined : parseSteps(steps),
  };
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`--${name} takes a whole number, not ${text}`);
  return value;
}
