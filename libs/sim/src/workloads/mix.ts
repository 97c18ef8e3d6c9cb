import { type Random, randomChance, randomPick } from '@holdfast/io';
import { BankWorkload } from './bank-workload.ts';
import { CounterWorkload } from './counter-workload.ts';
import { CycleWorkload } from './cycle-workload.ts';
import { ExpiryWorkload } from './expiry-workload.ts';
import { ListWorkload } from './list-workload.ts';
import { OnceWorkload } from './once-workload.ts';
import { RegisterWorkload } from './register-workload.ts';
import { SessionWorkload } from './session-workload.ts';
import { SetWorkload } from './set-workload.ts';
import { WatchWorkload } from './watch-workload.ts';
import type { Workload } from './workload.ts';

/** What workloads may look at besides their clients. */
export interface WorldView {
  /** True virtual time, microseconds. */
  readonly nowUs: () => number;
  /** Processes of nodes that have died so far. */
  readonly deaths: () => number;
}

type Make = (world: WorldView, random: Random) => Workload;

const OTHERS: readonly Make[] = [
  ({ nowUs }, random) => new SetWorkload(nowUs, random),
  ({ nowUs }, random) => new CounterWorkload(nowUs, random),
  ({ nowUs }) => new OnceWorkload(nowUs),
  ({ nowUs }) => new SessionWorkload(nowUs),
  ({ nowUs }) => new WatchWorkload(nowUs),
  ({ nowUs }, random) => new ListWorkload(nowUs, random),
  ({ nowUs }, random) => new BankWorkload(nowUs, random),
  ({ nowUs }, random) => new CycleWorkload(nowUs, random),
  ({ nowUs, deaths }) => new ExpiryWorkload(nowUs, deaths),
];

/**
 * Which workloads a run has. Half of the runs have registers alone, whose checker sees most of a history of few
 * keys; the others have them rarely and any of the rest.
 */
export function mixOf(world: WorldView, random: Random): readonly Workload[] {
  const registers = new RegisterWorkload(world.nowUs, random);
  if (randomChance(random, 0.5)) return [registers];
  const mix = OTHERS.filter(() => randomChance(random, 0.3)).map((make) => make(world, random));
  if (mix.length === 0) mix.push(randomPick(random, OTHERS)(world, random));
  return randomChance(random, 0.3) ? [registers, ...mix] : mix;
}
