import {
  type Buggify,
  neverBuggify,
  Prng,
  randomChance,
  randomInteger,
  randomPick,
  rangeId,
} from '@holdfast/io';
import { Client } from '@holdfast/client';
import {
  bootstrapRanges,
  STORE_BUGGIFY_POINTS,
  type StoreBuggifyPoint,
  type StoreCanary,
  TICK_MS,
} from '@holdfast/store';
import { Coverage, Violation } from '../checkers/violation.ts';
import { Nemesis, swarm } from '../faults/nemesis.ts';
import { SwarmBuggify } from '../faults/swarm-buggify.ts';
import { KEEP_ALL, type Mask } from '../runs/mask.ts';
import { failureOf, type RunFailure, type RunOptions, type RunReport } from '../runs/report.ts';
import { mixOf } from '../workloads/mix.ts';
import type { Pace, Worker } from '../workloads/worker.ts';
import type { Workload } from '../workloads/workload.ts';
import { Scheduler } from '../world/scheduler.ts';
import { clusterFaults } from './cluster-faults.ts';
import { checkFinalState, settled } from './final-state.ts';
import { MembershipWorkload } from './membership-workload.ts';
import { CLUSTER_ID, StoreCluster, type StoreClusterOptions } from './store-cluster.ts';

/** Clients work under faults for this long. */
const SAFETY_MS = 20_000;
/** After the last heal, within this many ticks: a leader in every range, then writes by every worker. */
const LIVENESS_TICKS = 400;
const LIVENESS_WRITES = 10;
/** Operations that a run must complete to count as a test. */
const OPERATIONS_MIN = 20;
const DEADLINE_MS_MAX = 5_000;
/** How long the last look of a workload may take. */
const JUDGE_MS = 70_000;
/** Share of the runs in which members come and go. */
const CHURN_CHANCE = 0.25;

/** Runs one seed of the real store and client: safety under faults, then heal and demand progress. */
export async function runClusterSeed(seed: number, options: RunOptions = {}): Promise<RunReport> {
  const { mask = KEEP_ALL } = options;
  const random = new Prng(seed);
  const scheduler = new Scheduler();
  options.onScheduler?.(scheduler);
  const coverage = new Coverage();
  const report = (violation: Violation): void => scheduler.fail(violation);
  // A stream of its own, as all that is drawn beside the rest: what is added changes nothing about the others.
  const buggify = new SwarmBuggify(STORE_BUGGIFY_POINTS, new Prng(seed).fork(), coverage);
  const cluster = new StoreCluster(
    scheduler,
    optionsOf(random, options.canary as StoreCanary, buggify.ask),
    coverage,
    report,
  );
  const plan = swarm(random, clusterFaults(cluster));
  const nemesis = new Nemesis(scheduler, random.fork(), coverage, plan, mask);
  const view = { nowUs: () => scheduler.nowUs, deaths: () => cluster.deaths };
  const workloads = mixOf(view, random);
  const { workers, client } = makeWorkers(cluster, workloads, random, mask);
  const churn = makeChurn(cluster, coverage, workers.length, random, mask);
  let failure: RunFailure | undefined;
  try {
    for (const server of cluster.servers) cluster.start(server);
    for (const worker of workers) worker.start();
    churn?.worker.start();
    // The first election is not under test in every run.
    if (randomChance(random, 0.5)) await scheduler.runUntil(2_000_000);
    nemesis.start();
    await scheduler.runUntil(SAFETY_MS * 1000);
    nemesis.heal();
    buggify.heal();
    churn?.worker.stop();
    for (const server of cluster.servers) cluster.start(server);
    await demandProgress(cluster, workers);
    for (const worker of workers) worker.stop();
    await scheduler.runUntil(
      scheduler.nowUs + DEADLINE_MS_MAX * 1000,
      () => !workers.some(({ busy }) => busy) && churn?.worker.busy !== true,
    );
    if (options.mask === undefined) demandWork(workloads);
    // First, since it says who is there to look at.
    for (const workload of [...(churn === undefined ? [] : [churn.workload]), ...workloads]) {
      coverage.hit(`workload: ${workload.name}`);
      coverage.hit(`not applied: ${workload.name}`, workload.count('fail'));
      await settled(scheduler, workload.judge(client), `the last look of ${workload.name}`, JUDGE_MS);
    }
    await checkFinalState(cluster);
  } catch (error) {
    failure = failureOf(error, [...nemesis.log, ...buggify.log]);
  }
  options.onHistory?.(linesOf(churn === undefined ? workloads : [...workloads, churn.workload]));
  return {
    seed,
    failure,
    hash: scheduler.hash,
    events: scheduler.eventsRun,
    simulatedMs: scheduler.nowMs,
    operations: {
      ok: sumOf(workloads, 'ok'),
      fail: sumOf(workloads, 'fail'),
      info: sumOf(workloads, 'info'),
    },
    coverage: coverage.entries(),
    decisions: {
      faults: nemesis.due,
      steps: [...workers, ...(churn === undefined ? [] : [churn.worker])].map(({ steps }) => steps),
    },
  };
}

function sumOf(workloads: readonly Workload[], outcome: 'ok' | 'fail' | 'info'): number {
  return workloads.reduce((sum, workload) => sum + workload.count(outcome), 0);
}

function* linesOf(workloads: readonly Workload[]): Generator<string> {
  for (const workload of workloads) yield* workload.lines();
}

/** How many nodes the cluster of a seed begins with. */
export function foundersOf(seed: number): number {
  return optionsOf(new Prng(seed), undefined, neverBuggify).nodes;
}

function optionsOf(
  random: Prng,
  canary: StoreCanary | undefined,
  buggify: Buggify<StoreBuggifyPoint>,
): StoreClusterOptions {
  const seed = random.nextU32();
  const sizes = new Prng(seed);
  return {
    seed,
    nodes: randomPick(random, [3, 3, 3, 3, 5, 1]),
    latency: {
      minMs: randomPick(random, [0.1, 0.1, 1, 10]),
      meanMs: randomPick(random, [0.1, 0.5, 5]),
      spikes: randomPick(random, [0, 0.01]),
      bandwidth: randomPick(random, [100_000, 100_000, 1_000]),
    },
    turnUs: randomPick(random, [10, 50, 200]),
    driftMax: randomPick(random, [0, 1e-4, 1e-2]),
    skewMsMax: randomPick(random, [0, 10, 10_000]),
    settings: {
      // Small, so that segments rotate and memtables are flushed within seconds.
      segmentBytes: randomPick(random, [16, 64, 1_024]) * 1024,
      memtableBytes: randomPick(random, [4, 16, 1_024]) * 1024,
      // Small, so that a node that lags needs a snapshot.
      logKeepBytes: randomPick(random, [0, 0, 1, 64]) * 1024,
      logBytesMax: randomPick(random, [1, 1, 4, 1_024]) * 1024,
      logDiskBytesKeep: randomPick(random, [32, 64, 65_536]) * 1024,
      logDiskBytesMax: randomPick(random, [64, 256, 524_288]) * 1024,
      retentionMs: randomPick(random, [100, 10_000, 600_000]),
      // Small, so that watches fall out of the ring and go on from the tree.
      watch: {
        ringBytesMax: randomPick(sizes, [1, 4, 4_096]) * 1024,
        frameBytesMax: randomPick(sizes, [1, 256]) * 1024,
        pieceBytesMax: randomPick(sizes, [1, 1_024]) * 1024,
      },
      buggify,
    },
    // Small, so that levels have many tables, and merges are never done.
    tree: {
      tableBytes: randomPick(sizes, [2, 16, 8_192]) * 1024,
      levelBaseBytes: randomPick(sizes, [8, 64, 65_536]) * 1024,
      levelRatio: randomPick(sizes, [2, 10]),
      level0CompactionTables: randomPick(sizes, [1, 6]),
      blockCacheBytes: randomPick(sizes, [8, 65_536]) * 1024,
      openTablesMax: randomPick(sizes, [2, 1_000]),
    },
    canary,
  };
}

function makeWorkers(
  cluster: StoreCluster,
  workloads: readonly Workload[],
  random: Prng,
  mask: Mask,
): { readonly workers: readonly Worker[]; readonly client: Client } {
  const { scheduler } = cluster;
  const pace: Pace = {
    thinkMs: randomPick(random, [20, 50, 200]),
    deadlineMs: randomPick(random, [500, 2_000, DEADLINE_MS_MAX]),
  };
  const count = randomInteger(random, 2, 4);
  const workersEach = randomInteger(random, 1, 3);
  const clients = Array.from(
    { length: count },
    (_, i) => new Client({ ...cluster.client(i), seeds: cluster.addresses, clusterId: CLUSTER_ID }),
  );
  // Two workers at least of each workload: alone, most of them prove little.
  const total = Math.max(count * workersEach, 2 * workloads.length);
  const workers = Array.from({ length: total }, (_, process) =>
    workloads[process % workloads.length]!.worker({
      process,
      client: clients[Math.floor((process * count) / total)]!,
      scheduler,
      random: random.fork(),
      pace,
      mask,
    }),
  );
  return { workers, client: clients[0]! };
}

/** In some runs the members of the cluster change meanwhile. */
function makeChurn(
  cluster: StoreCluster,
  coverage: Coverage,
  process: number,
  random: Prng,
  mask: Mask,
): { readonly workload: MembershipWorkload; readonly worker: Worker } | undefined {
  const own = random.fork();
  if (!randomChance(own, CHURN_CHANCE)) return undefined;
  const workload = new MembershipWorkload(cluster, coverage);
  const client = new Client({
    ...cluster.client(process),
    seeds: cluster.addresses,
    clusterId: CLUSTER_ID,
  });
  const pace = { thinkMs: randomPick(own, [500, 2_000, 5_000]), deadlineMs: DEADLINE_MS_MAX };
  const world = { process, client, scheduler: cluster.scheduler, random: own, pace, mask };
  return { workload, worker: workload.worker(world) };
}

async function demandProgress(cluster: StoreCluster, workers: readonly Worker[]): Promise<void> {
  const { scheduler, invariants } = cluster;
  const deadlineUs = scheduler.nowUs + LIVENESS_TICKS * TICK_MS * 1000;
  const ranges = bootstrapRanges(cluster.servers).map(({ id }) => id);
  const isLed = (range: number): boolean => invariants.leader(rangeId(range)) !== undefined;
  const leaderless = (): readonly number[] => ranges.filter((range) => !isLed(range));
  await scheduler.runUntil(deadlineUs, () => ranges.every(isLed));
  if (leaderless().length > 0) {
    throw new Violation(
      'liveness-leader',
      `no leader in ranges ${leaderless().join(', ')} ${LIVENESS_TICKS} ticks after the heal`,
    );
  }
  const before = workers.map(({ writes }) => writes);
  const isStuck = ({ writes, ended }: Worker, i: number): boolean =>
    writes < before[i]! + LIVENESS_WRITES && !ended;
  await scheduler.runUntil(deadlineUs, () => !workers.some(isStuck));
  const stuck = workers.filter(isStuck);
  if (stuck.length > 0) {
    throw new Violation(
      'liveness-write',
      `${stuck.length} workers could not write ${LIVENESS_TICKS} ticks after the heal`,
    );
  }
}

function demandWork(workloads: readonly Workload[]): void {
  const ok = sumOf(workloads, 'ok');
  if (ok < OPERATIONS_MIN) throw new Violation('too-little-work', `${ok} operations completed`);
}
