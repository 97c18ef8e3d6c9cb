import type { Client } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { Prng, randomPick } from '@holdfast/io';
import { judge } from '../checks/judge.ts';
import { readBack } from '../checks/read-back.ts';
import { demandEqualReplicas, demandWholeTables } from '../checks/replicas.ts';
import { ChaosCluster } from '../cluster/chaos-cluster.ts';
import { describeEnding } from '../cluster/supervised.ts';
import { logEpisode, tableEpisode } from '../damage/damage-episode.ts';
import { loseWrites } from '../damage/lose-writes.ts';
import { pause } from '../deadline.ts';
import { Nemesis } from '../faults/nemesis.ts';
import { planFaults, splitPlan } from '../faults/plan.ts';
import { type Histories, Workload } from '../workloads/workload.ts';
import type { Journal } from './journal.ts';
import { type ChaosOptions, smallStorage } from './options.ts';

const CLIENTS = 3;
const START_MS_MAX = 90_000;
/** After the last heal: every node knows its leaders, and every worker writes again. */
const LIVENESS_MS = 30_000;
const CONVERGE_MS = 30_000;
const WARM_UP_MS = 1_000;
/** Successful operations that a run must have to count as a test, for each second of faults. */
const OPERATIONS_PER_SECOND_MIN = 10;
/** How much the canary `lost-writes` takes back. */
const LOSS_MS = 2_000;
const STOP_MS_MAX = 20_000;

/** What a run has done; filled while it runs, so that a run that breaks off leaves what it has. */
export class ChaosReport {
  operations = { ok: 0, fail: 0, info: 0 };
  /** How often each fault began. */
  faults: ReadonlyMap<string, number> = new Map();
  /** That the cluster held in the end. */
  keys = 0;
  histories: Histories | undefined;
}

/**
 * One run: a cluster, clients, faults, heal, judgement. What is wrong goes to the journal.
 *
 * @param directory for the data and logs of the processes.
 * @throws when the run cannot go on: something did not come to pass in time.
 */
export async function runChaos(
  options: ChaosOptions,
  directory: string,
  journal: Journal,
  report: ChaosReport,
): Promise<void> {
  const { seed, storage, canary } = options;
  const random = new Prng(seed);
  const cluster = await ChaosCluster.create({
    directory,
    random: random.fork(),
    storage: storage === 'small' ? smallStorage(seed) : undefined,
    onUnexpectedEnd: (name, ending) => journal.report(`${name} ended by itself, ${describeEnding(ending)}`),
  });
  const clients: Client[] = [];
  try {
    cluster.startAll();
    await cluster.ready(START_MS_MAX);
    journal.note('the cluster is ready');
    const target = `holdfast://${cluster.addresses.join(',')}`;
    const { clusterId } = cluster;
    while (clients.length < CLIENTS) {
      clients.push(await connect(target, { clusterId, agent: 'holdfast-chaos', random: random.fork() }));
    }
    const workload = new Workload({
      seed: random.nextU32(),
      clients,
      gatewayUrl: cluster.gatewayUrl,
      staleReads: canary === 'stale-reads',
      report: journal.report,
    });
    report.histories = workload.histories;
    const nemesis = new Nemesis({ cluster, report: journal.report }, journal.note);
    report.faults = nemesis.counts;
    workload.start();
    try {
      await pause(WARM_UP_MS);
      await faultsAndDamage(options, random, cluster, workload, nemesis, journal);
    } finally {
      await workload.stop();
      report.operations = workload.counts();
    }
    journal.note(`the clients have stopped: ${JSON.stringify(report.operations)}`);
    const [reader] = clients;
    if (reader === undefined) throw new Error('there is no client');
    const final = await readBack(reader, workload.epochs, workload.histories);
    journal.note('everything was read back');
    report.keys = await demandEqualReplicas(cluster, CONVERGE_MS);
    await stopInOrder(cluster, journal);
    for (const problem of judge(workload.histories, final)) journal.report(problem);
    const least = Math.ceil(options.minutes * 60 * OPERATIONS_PER_SECOND_MIN);
    if (report.operations.ok < least) {
      journal.report(`too little work: ${report.operations.ok} operations, at least ${least} make a test`);
    }
    journal.note('judged');
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await cluster.destroy();
  }
}

/** Half of the faults, damage at rest, the other half; each time the cluster must get going again. */
async function faultsAndDamage(
  { minutes, faults, canary }: ChaosOptions,
  random: Prng,
  cluster: ChaosCluster,
  workload: Workload,
  nemesis: Nemesis,
  journal: Journal,
): Promise<void> {
  const halfMs = Math.round((minutes * 60_000) / 2);
  const recovered = async (): Promise<void> => {
    journal.note('healed');
    await cluster.ready(LIVENESS_MS);
    await workload.demandProgress(LIVENESS_MS);
    journal.note(`every worker writes again; so far ${JSON.stringify(workload.counts())}`);
  };
  const [first, second] = splitPlan(planFaults(random.nextU32(), 2 * halfMs, faults), halfMs);
  await nemesis.run(first);
  await recovered();
  const world = { cluster, workload, note: journal.note, report: journal.report };
  await logEpisode(randomPick(random, cluster.nodes), world);
  await tableEpisode(randomPick(random, cluster.nodes), world, random);
  if (canary === 'lost-writes') await loseWrites(cluster, LOSS_MS);
  await nemesis.run(second);
  await recovered();
}

async function stopInOrder(cluster: ChaosCluster, journal: Journal): Promise<void> {
  const { nodes, gateway } = cluster;
  for (const process of [gateway, ...nodes.map((node) => node.process)]) {
    const ending = await Promise.race([process.terminate(), pause(STOP_MS_MAX)]);
    if (ending === undefined) journal.report(`${process.program.name} was told to stop and does not`);
    else if (ending.code !== 0)
      journal.report(`${process.program.name} stopped with ${describeEnding(ending)}`);
  }
  for (const node of nodes) {
    await demandWholeTables(node).catch((error: unknown) =>
      journal.report(error instanceof Error ? error : new Error(String(error))),
    );
  }
}
