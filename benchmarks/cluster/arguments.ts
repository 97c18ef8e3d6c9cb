import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SYSTEMS } from './systems/all-systems.ts';
import { ROOT } from './systems/holdfast.ts';
import { type Point, WORKLOAD_NAMES, type WorkloadName } from './workloads.ts';

export interface Options {
  readonly systems: readonly string[];
  readonly workloads: readonly WorkloadName[];
  readonly clients: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Of everything, before the first point of a system. */
  readonly settleSeconds: number;
  readonly keys: number;
  readonly directory: string;
  readonly json: string | undefined;
  readonly failover: boolean;
  readonly kills: number;
  readonly profile: Point | undefined;
  readonly nodeFlags: readonly string[];
}

export const USAGE = `npm run bench:cluster -- [options]

  --quick             one short round of the main points
  --json FILE         write every measurement, and what it ran on, as JSON
  --systems a,b       of: ${SYSTEMS.map(({ name }) => name).join(', ')} (default: all that are there)
  --workloads a,b     of: ${WORKLOAD_NAMES.join(', ')} (default: all)
  --clients 1,64,256  logical clients, each with one operation under way
  --rounds N          default 3; systems alternate within a round
  --seconds N         of each point, default 4
  --keys N            default 50000
  --directory DIR     on the disk to be measured; default .holdfast/bench-cluster
  --failover          instead: how long writes pause after kill -9 of the leader
  --kills N           with --failover, default 10
  --profile P:N       instead: CPU profiles of workload P with N clients; of holdfast, or of holdfast-nest or
                      holdfast-http when --systems names one
  --node-flags="…"    flags of Node for our servers`;

/** @throws Error that says what is wrong with the arguments. */
export function parseOptions(argv: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      systems: { type: 'string' },
      workloads: { type: 'string' },
      clients: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      keys: { type: 'string' },
      directory: { type: 'string' },
      failover: { type: 'boolean', default: false },
      kills: { type: 'string' },
      profile: { type: 'string' },
      'node-flags': { type: 'string', default: '' },
    },
  });
  if (values.help === true) return 'help';
  const { quick } = values;
  return {
    systems: oneOf(values.systems, 'systems', quick ? ['holdfast', 'etcd'] : SYSTEMS.map(({ name }) => name)),
    workloads: oneOf(values.workloads, 'workloads', WORKLOAD_NAMES),
    clients: (values.clients ?? (quick ? '1,64' : '1,64,256'))
      .split(',')
      .map((text) => count(text, 'clients')),
    rounds: count(values.rounds ?? (quick ? '1' : '3'), 'rounds'),
    seconds: seconds(values.seconds ?? (quick ? '2' : '4')),
    warmUpSeconds: 1,
    settleSeconds: quick ? 3 : 8,
    keys: count(values.keys ?? (quick ? '10000' : '50000'), 'keys'),
    directory: values.directory ?? join(ROOT, '.holdfast', 'bench-cluster'),
    json: values.json,
    failover: values.failover,
    kills: count(values.kills ?? '10', 'kills'),
    profile: values.profile === undefined ? undefined : pointOf(values.profile),
    nodeFlags: values['node-flags'].split(/\s+/).filter((flag) => flag !== ''),
  };
}

function oneOf<T extends string>(text: string | undefined, option: string, all: readonly T[]): readonly T[] {
  if (text === undefined) return all;
  const known = option === 'systems' ? SYSTEMS.map(({ name }) => name) : WORKLOAD_NAMES;
  const wanted = text.split(',');
  for (const name of wanted) {
    if (!(known as readonly string[]).includes(name)) throw new Error(`--${option}: there is no ${name}`);
  }
  return wanted as unknown as readonly T[];
}

function pointOf(text: string): Point {
  const [workload = '', clients = ''] = text.split(':');
  const [known] = oneOf(workload, 'workloads', WORKLOAD_NAMES);
  return { workload: known, clients: count(clients, 'profile') };
}

function count(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${option}: ${text} is not a whole number above 0`);
  return value;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--seconds: ${text} is not a time`);
  return value;
}
