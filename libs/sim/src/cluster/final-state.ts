import { crc32 } from '@holdfast/io';
import { checkTree, CorruptionError } from '@holdfast/lsm';
import type { Node } from '@holdfast/store';
import { Violation } from '../checkers/violation.ts';
import { hostKernels } from '../world/host-kernels.ts';
import type { Machine } from '../world/machine.ts';
import type { Scheduler } from '../world/scheduler.ts';
import { SCRATCH_DIRECTORY, type Server, type StoreCluster, TREE_DIRECTORY } from './store-cluster.ts';

/** How long quiet replicas may take to reach the same index. */
const CONVERGE_MS = 10_000;
/** A read whose question to the leader was lost is given up within an election timeout, which is half of this. */
const REQUESTS_MS = 2_000;
/** How long a node may take to replace what is damaged, and how often it is looked at. */
const REPAIR_MS = 30_000;
const REPAIR_LOOK_MS = 500;
/** How long a node may keep what was sent to it and nobody came back to. */
const SCRATCH_MS = 30_000;
/** Looks at all replicas, each of which something may come between. */
const LOOKS_MAX = 20;

/**
 * What must be true of a healed cluster in which nobody writes any more: every replica reaches the same index,
 * holds the same newest version of every key, keeps nothing that nobody needs, and its tables on disk are whole.
 *
 * @throws Violation
 */
export async function checkFinalState(cluster: StoreCluster): Promise<void> {
  const { scheduler, servers } = cluster;
  await scheduler.runUntil(scheduler.nowUs + CONVERGE_MS * 1000, () => progressOf(cluster).size === 1);
  const damaged = cluster.members.filter(({ rottenTables }) => rottenTables.size > 0);
  for (const server of damaged) await repaired(scheduler, server);
  await scheduler.runUntil(scheduler.nowUs + CONVERGE_MS * 1000, () => progressOf(cluster).size === 1);
  const progress = [...progressOf(cluster)];
  if (progress.length > 1)
    throw new Violation('liveness-converge', `replicas stand at ${progress.join(' and ')}`);
  await checkEqual(cluster);
  for (const { id, machine, node } of cluster.members) {
    const inFlight = (): number => node?.status().requestsInFlight ?? 0;
    await scheduler.runUntil(scheduler.nowUs + REQUESTS_MS * 1000, () => inFlight() === 0);
    if (inFlight() > 0)
      throw new Violation('nothing-left', `node ${id} still works on ${inFlight()} requests`);
    const spare = (): number => tableFiles(machine) - liveTables(node);
    await scheduler.runUntil(scheduler.nowUs + CONVERGE_MS * 1000, () => spare() === 0);
    if (spare() !== 0)
      throw new Violation('live-files', `node ${id} has ${spare()} table files more than tables`);
    const scratch = (): number => machine.disk.files(SCRATCH_DIRECTORY).length;
    await scheduler.runUntil(scheduler.nowUs + SCRATCH_MS * 1000, () => scratch() === 0);
    if (scratch() > 0)
      throw new Violation('live-files', `node ${id} keeps ${scratch()} files of snapshots that are over`);
  }
  for (const server of servers) {
    // Who stays out will not repair anything any more.
    if (server.out && server.rottenTables.size > 0) continue;
    cluster.kill(server, 'kill');
    const { machine } = server;
    machine.start();
    const report = await settled(
      scheduler,
      checkTree({ disk: machine.disk, kernels: hostKernels }, TREE_DIRECTORY),
      'a read of every table',
    );
    // What nobody has read since it was damaged, nobody has found.
    const [fault] = report.faults.filter(({ path }) => !server.rottenTables.has(path));
    if (fault !== undefined)
      throw new Violation('tables-whole', `node ${server.id}: ${fault.path}: ${fault.detail}`);
  }
}

/** What has expired is swept whenever it is due: the replicas are compared in a stretch in which nothing was applied. */
async function checkEqual(cluster: StoreCluster): Promise<void> {
  const { scheduler } = cluster;
  for (let look = 1; ; look++) {
    const before = [...progressOf(cluster)];
    const digests = new Map<string, number>();
    for (const server of cluster.members) digests.set(await repaired(scheduler, server), server.id);
    if (digests.size === 1) return;
    const after = [...progressOf(cluster)];
    const nothingCame = before.length === 1 && after.length === 1 && before[0] === after[0];
    if (nothingCame || look === LOOKS_MAX) {
      const detail = [...digests].map(([digest, id]) => `node ${id}: ${digest}`).join(', ');
      throw new Violation('equal-replicas', detail);
    }
    await scheduler.runUntil(scheduler.nowUs + CONVERGE_MS * 1000, () => progressOf(cluster).size === 1);
  }
}

function tableFiles({ disk }: Machine): number {
  return disk.files(TREE_DIRECTORY).filter(({ path }) => path.endsWith('.sst')).length;
}

function liveTables(node: Node | undefined): number {
  return node?.tree.stats().levels.reduce((sum, { tables }) => sum + tables, 0) ?? 0;
}

/**
 * Digest of all that a node has, which is read until none of it is damaged. What was damaged may be found at any look:
 * as long as a table is open, its index is not read again.
 */
async function repaired(scheduler: Scheduler, { id, node, rottenTables }: Server): Promise<string> {
  if (node === undefined) throw new Violation('liveness-converge', `node ${id} is not running`);
  const deadlineUs = scheduler.nowUs + REPAIR_MS * 1000;
  while (scheduler.nowUs < deadlineUs) {
    try {
      return await settled(scheduler, digestOf(node), 'a scan of a tree');
    } catch (error) {
      if (!(error instanceof CorruptionError) || rottenTables.size === 0) throw error;
    }
    await scheduler.runUntil(scheduler.nowUs + REPAIR_LOOK_MS * 1000);
  }
  throw new Violation('liveness-repair', `node ${id} has damaged tables ${REPAIR_MS} ms after all is well`);
}

/** Where the replicas stand; one entry when all have applied the same. */
function progressOf({ members }: StoreCluster): ReadonlySet<string> {
  return new Set(
    members.map(({ node }) => {
      const ranges = node?.status().ranges ?? [];
      return ranges.map(({ id, applied, commit }) => `${id}:${applied}/${commit}`).join(' ');
    }),
  );
}

/** Digest of the newest version of every key, and how many there are. */
async function digestOf(node: Node): Promise<string> {
  let keys = 0;
  let digest = 0;
  for await (const { key, value, revision } of node.tree.scan()) {
    keys++;
    digest = crc32(value, 0, value.length, crc32(key, 0, key.length, digest));
    digest = (Math.imul(digest, 31) + revision) >>> 0;
  }
  return `${keys} keys ${digest.toString(16)}`;
}

/** Lets time pass until `work` is done. @throws Violation when it does not end */
export async function settled<T>(
  scheduler: Scheduler,
  work: Promise<T>,
  what: string,
  patienceMs: number = CONVERGE_MS,
): Promise<T> {
  let done = false;
  const mark = (): void => {
    done = true;
  };
  work.then(mark, mark);
  await scheduler.runUntil(scheduler.nowUs + patienceMs * 1000, () => done);
  if (!done) throw new Violation('liveness-converge', `${what} does not end`);
  return work;
}
