import { Prng, randomChance, randomInteger, randomPick } from '@holdfast/io';
import { NODE_HOSTS, type NodeHost } from '../proxy/links.ts';

/** Everything that can befall the cluster, and for how long (milliseconds). */
export const FAULTS = {
  /** SIGKILL of one node; it starts again after the time. */
  kill: [50, 4_000],
  'kill-leader': [50, 3_000],
  'kill-all': [50, 1_000],
  /** SIGTERM, and the process must end by itself with exit code 0. */
  stop: [50, 2_000],
  /** SIGSTOP, SIGCONT after the time. */
  freeze: [100, 10_000],
  'freeze-leader': [1_000, 8_000],
  /** Nodes cut off from the other nodes; clients still reach them. */
  'isolate-leader': [1_500, 6_000],
  isolate: [500, 6_000],
  /** Two nodes do not see each other; both see the third. */
  bridge: [500, 6_000],
  /** What the node sends reaches no other node; it hears everything. */
  mute: [500, 5_000],
  /** What other nodes send does not reach it; it is heard. */
  deaf: [500, 5_000],
  /** One direction of one link. */
  'one-way': [500, 5_000],
  /** Clients and gateway do not reach the node; the other nodes do. */
  'hide-from-clients': [500, 5_000],
  /** Every link of one node is slow. */
  'slow-node': [1_000, 5_000],
  /** All links are slow and of uneven speed. */
  'slow-links': [1_000, 5_000],
  /** Chunks are lost and come late. */
  'lossy-links': [1_000, 5_000],
  /** Bits flip on the way. */
  'corrupt-bytes': [500, 3_000],
  /** Connections are reset. */
  reset: [0, 0],
  /** Connections end in the middle of a frame. */
  'reset-inside-frame': [0, 0],
  /** Connections, and those made meanwhile, swallow everything for ever, and nobody is told. */
  'black-hole': [100, 3_000],
  /** Links are cut one by one in one order, and healed one by one in another. */
  swizzle: [2_000, 6_000],
  /** SIGKILL of the gateway. */
  'kill-gateway': [50, 1_000],
} as const satisfies Readonly<Record<string, readonly [number, number]>>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];

/** One fault at its time. */
export interface PlannedFault {
  readonly name: FaultName;
  /** Milliseconds from the beginning. */
  readonly atMs: number;
  readonly durationMs: number;
  /** For the faults that befall one node and do not look for the leader; the leader where none is known. */
  readonly node: NodeHost;
  /** Of what the fault decides by itself. */
  readonly seed: number;
}

/** Between the beginnings of two faults: most of them overlap with the next. */
const GAP_MS = { low: 300, high: 2_200 } as const;
/** After so many faults everything is well for a while, so that the cluster gets going again. */
const FAULTS_BETWEEN_CALMS = 10;
const CALM_MS = 2_000;

/**
 * What happens in a run of this length: a pure function of its arguments. Every enabled fault comes once before any comes
 * again, and all end in time.
 */
export function planFaults(
  seed: number,
  lengthMs: number,
  enabled: readonly FaultName[],
): readonly PlannedFault[] {
  const random = new Prng(seed);
  const plan: PlannedFault[] = [];
  let bag: FaultName[] = [];
  let atMs = randomInteger(random, 0, 1_000);
  let lastEndMs = 0;
  while (atMs < lengthMs && enabled.length > 0) {
    if (bag.length === 0) bag = shuffled(random, enabled);
    const name = bag.pop() ?? 'kill';
    const [low, high] = FAULTS[name];
    // Short ones are more frequent: the length is uniform on a scale of its own.
    const wanted = randomChance(random, 0.5)
      ? randomInteger(random, low, Math.ceil((low + high) / 3))
      : randomInteger(random, low, high);
    const durationMs = Math.min(wanted, lengthMs - atMs);
    plan.push({ name, atMs, durationMs, node: randomPick(random, NODE_HOSTS), seed: random.nextU32() });
    lastEndMs = Math.max(lastEndMs, atMs + durationMs);
    atMs += randomInteger(random, GAP_MS.low, GAP_MS.high);
    if (plan.length % FAULTS_BETWEEN_CALMS === 0) atMs = Math.max(atMs, lastEndMs + CALM_MS);
  }
  return plan;
}

/** The plan before and after a moment, each from its own beginning; faults that last beyond the moment end there. */
export function splitPlan(
  plan: readonly PlannedFault[],
  splitMs: number,
): readonly [readonly PlannedFault[], readonly PlannedFault[]] {
  const before = plan.filter(({ atMs }) => atMs < splitMs);
  const after = plan.filter(({ atMs }) => atMs >= splitMs);
  return [
    before.map((fault) => ({ ...fault, durationMs: Math.min(fault.durationMs, splitMs - fault.atMs) })),
    after.map((fault) => ({ ...fault, atMs: fault.atMs - splitMs })),
  ];
}

/**
 * Swarm testing (Groce et al. 2012): a seed has only some of the faults, so that none hides what others would show.
 * One seed in three has all.
 */
export function swarm(seed: number): readonly FaultName[] {
  const random = new Prng(seed).fork();
  if (randomInteger(random, 0, 2) === 0) return FAULT_NAMES;
  const some = FAULT_NAMES.filter(() => randomChance(random, 0.5));
  return some.length === 0 ? FAULT_NAMES : some;
}

export function shuffled<T>(random: Prng, items: readonly T[]): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = randomInteger(random, 0, i);
    const [a, b] = [list[i], list[j]];
    if (a !== undefined && b !== undefined) [list[i], list[j]] = [b, a];
  }
  return list;
}
