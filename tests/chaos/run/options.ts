import { parseArgs } from 'node:util';
import { Prng, randomChance, randomPick } from '@holdfast/io';
import type { NodeSettings } from '@holdfast/store';
import { FAULT_NAMES, type FaultName, swarm } from '../faults/plan.ts';

/**
 * Bugs that are planted to show that they would be found. `lost-writes`: all disks go back to what they held a moment ago,
 * as if acknowledged writes had never been synced. `stale-reads`: clients ask any replica and take it for the truth.
 */
const CANARIES = ['lost-writes', 'stale-reads'] as const;
type Canary = (typeof CANARIES)[number];

export const USAGE = `Usage: npm run chaos -- [options]

  --minutes N        how long faults come (default 1; fractions are fine)
  --seed S           plan of the faults, choices of the clients, settings (default: a fresh one, printed)
  --faults NAMES     all, or names separated by commas (default: the seed chooses)
  --storage KIND     app: the data node as it is shipped; small: small memtables, segments and logs
                     (default: the seed chooses)
  --canary NAME      plant a bug, which the run must then find: ${CANARIES.join(', ')}
  --verbose          every fault as it comes

Faults: ${FAULT_NAMES.join(', ')}`;

type Storage = 'app' | 'small';

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: readonly FaultName[];
  readonly storage: Storage;
  readonly canary: Canary | undefined;
  readonly verbose: boolean;
  /** The command that repeats this run. */
  readonly command: string;
}

const MINUTES_MAX = 24 * 60;

/** @throws Error with a message for people. */
export function readOptions(argv: readonly string[], freshSeed: number): ChaosOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string' },
      faults: { type: 'string' },
      storage: { type: 'string' },
      canary: { type: 'string' },
      verbose: { type: 'boolean' },
    },
  });
  const seed = Number(values.seed ?? freshSeed);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new Error(`--seed takes a whole number, not ${values.seed}`);
  const minutes = Number(values.minutes ?? 1);
  if (!(minutes > 0 && minutes <= MINUTES_MAX))
    throw new Error(`--minutes takes a number up to ${MINUTES_MAX}`);
  const canary = CANARIES.find((known) => known === values.canary);
  if (canary !== values.canary) throw new Error(`there is no canary ${values.canary}`);
  const asked = [
    `--minutes ${minutes}`,
    `--seed ${seed}`,
    ...(values.faults === undefined ? [] : [`--faults ${values.faults}`]),
    ...(values.storage === undefined ? [] : [`--storage ${values.storage}`]),
    ...(canary === undefined ? [] : [`--canary ${canary}`]),
  ];
  return {
    seed,
    minutes,
    faults: faultsOf(values.faults, seed),
    storage: storageOf(values.storage, seed),
    canary,
    verbose: values.verbose ?? false,
    command: `npm run chaos -- ${asked.join(' ')}`,
  };
}

function faultsOf(names: string | undefined, seed: number): readonly FaultName[] {
  if (names === undefined) return swarm(seed);
  if (names === 'all') return FAULT_NAMES;
  return names.split(',').map((name) => {
    const known = FAULT_NAMES.find((candidate) => candidate === name);
    if (known === undefined) throw new Error(`there is no fault ${name}`);
    return known;
  });
}

function storageOf(name: string | undefined, seed: number): Storage {
  if (name === undefined) return randomChance(new Prng(seed), 0.5) ? 'app' : 'small';
  if (name !== 'app' && name !== 'small') throw new Error('--storage is app or small');
  return name;
}

/** Store settings with which a minute sees flushes, compactions, dropped segments and snapshots. */
export function smallStorage(seed: number): Partial<NodeSettings> {
  const random = new Prng(seed);
  return {
    segmentBytes: randomPick(random, [64, 256, 1_024]) * 1024,
    memtableBytes: randomPick(random, [16, 64, 256]) * 1024,
    logKeepBytes: randomPick(random, [0, 16, 64]) * 1024,
    logBytesMax: randomPick(random, [64, 256, 1_024]) * 1024,
    retentionMs: randomPick(random, [1_000, 10_000, 600_000]),
  };
}
