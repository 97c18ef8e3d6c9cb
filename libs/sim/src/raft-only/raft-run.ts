import { Prng, randomChance, randomInteger, randomPick } from '@holdfast/io';
import type { RaftCanary } from '@holdfast/raft';
import { History } from '../checkers/history.ts';
import { checkRegisters } from '../checkers/linearizable.ts';
import { Coverage, Violation } from '../checkers/violation.ts';
import { Nemesis, type NemesisPlan, swarm } from '../faults/nemesis.ts';
import { failureOf, type RunFailure, type RunOptions, type RunReport } from '../runs/report.ts';
import { Scheduler } from '../world/scheduler.ts';
import { RaftCluster, type RaftClusterOptions } from './raft-cluster.ts';
import { raftFaults } from './raft-faults.ts';
import { RegisterClient } from './register-client.ts';

/** Clients write and read under faults for this long. */
const SAFETY_MS = 30_000;
/** After the last heal, within this many ticks: a leader, then {@link LIVENESS_WRITES} writes by every client. */
const LIVENESS_TICKS = 400;
const LIVENESS_WRITES = 10;
/** Operations that a run must complete to count as a test. */
const OPERATIONS_MIN = 20;

const KEYS = ['x', 'y'];

/** Runs one seed of the cluster of toy nodes: safety under faults, then heal and demand progress. */
export async function runRaftSeed(seed: number, options: RunOptions = {}): Promise<RunReport> {
  const random = new Prng(seed);
  const scheduler = new Scheduler();
  options.onScheduler?.(scheduler);
  const coverage = new Coverage();
  const clusterOptions = optionsOf(random, options.canary as RaftCanary | undefined);
  const cluster = new RaftCluster(scheduler, clusterOptions, coverage, (violation) =>
    scheduler.fail(violation),
  );
  const history = new History(() => scheduler.nowUs);
  const plan: NemesisPlan = swarm(random, raftFaults(cluster, cluster.options.membershipChanges));
  const nemesis = new Nemesis(scheduler, random.fork(), coverage, plan, options.mask);
  const clients = Array.from(
    { length: randomInteger(random, 2, 5) },
    (_, i) =>
      new RegisterClient({
        process: i,
        cluster,
        history,
        random: random.fork(),
        keys: KEYS,
        timeoutMs: 2_000,
      }),
  );
  let failure: RunFailure | undefined;
  try {
    for (const member of cluster.members) cluster.start(member);
    for (const client of clients) client.start();
    nemesis.start();
    await scheduler.runUntil(SAFETY_MS * 1000);
    nemesis.heal();
    for (const member of cluster.members) cluster.start(member);
    await demandProgress(scheduler, cluster, clients);
    judge(history);
  } catch (error) {
    failure = failureOf(error, nemesis.log);
  }
  options.onHistory?.(history.lines());
  return {
    seed,
    failure,
    hash: scheduler.hash,
    events: scheduler.eventsRun,
    simulatedMs: scheduler.nowMs,
    operations: { ok: history.count('ok'), fail: history.count('fail'), info: history.count('info') },
    coverage: coverage.entries(),
    decisions: { faults: nemesis.due, steps: [] },
  };
}

function optionsOf(random: Prng, canary: RaftCanary | undefined): RaftClusterOptions {
  const voters = randomPick(random, [3, 3, 3, 5]);
  const others = randomPick(random, [0, 0, 1, 2]);
  return {
    seed: random.nextU32(),
    nodes: voters + others,
    voters,
    learners: randomInteger(random, 0, others),
    latency: {
      minMs: randomPick(random, [0.1, 1, 20]),
      meanMs: randomPick(random, [0.2, 2, 30]),
      spikes: randomPick(random, [0, 0.01]),
      bandwidth: 100_000,
    },
    tickMs: 100,
    lease: canary === 'lease-over-clock-jump' || randomChance(random, 0.2),
    compactEvery: randomPick(random, [10, 50, 1_000]),
    canary,
    membershipChanges: randomChance(random, 0.5),
  };
}

async function demandProgress(
  scheduler: Scheduler,
  cluster: RaftCluster,
  clients: readonly RegisterClient[],
): Promise<void> {
  const deadlineUs = scheduler.nowUs + LIVENESS_TICKS * cluster.options.tickMs * 1000;
  await scheduler.runUntil(deadlineUs, () => cluster.leader !== undefined);
  if (cluster.leader === undefined)
    throw new Violation('liveness-leader', `no leader ${LIVENESS_TICKS} ticks after the heal`);
  const before = clients.map((client) => client.writes);
  const progressed = (): boolean =>
    clients.every((client, i) => client.writes >= before[i] + LIVENESS_WRITES);
  await scheduler.runUntil(deadlineUs, progressed);
  if (!progressed())
    throw new Violation('liveness-write', `a client could not write ${LIVENESS_TICKS} ticks after the heal`);
}

function judge(history: History): void {
  const ok = history.count('ok');
  if (ok < OPERATIONS_MIN) throw new Violation('too-little-work', `${ok} operations completed`);
  const { verdict, key, stuckAt } = checkRegisters(history.operations);
  if (verdict === 'ok') return;
  throw new Violation(
    verdict === 'violation' ? 'linearizable' : 'linearizable-unknown',
    `key ${key}, no order explains ${JSON.stringify(stuckAt)}`,
  );
}
