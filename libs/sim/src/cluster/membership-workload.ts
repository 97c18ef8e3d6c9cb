import { type Client, HoldfastError } from '@holdfast/client';
import { type NodeId, type Random, randomChance, randomInteger, randomPick, rangeId } from '@holdfast/io';
import type { History, Operation } from '../checkers/history.ts';
import { type MembershipCall, membershipProblems, type MembershipResult } from '../checkers/membership.ts';
import { type Coverage, Violation } from '../checkers/violation.ts';
import { RecordedWorkload } from '../workloads/recorded-workload.ts';
import { Worker, type WorkerWorld } from '../workloads/worker.ts';
import type { StoreCluster } from './store-cluster.ts';

type MembershipHistory = History<MembershipCall, MembershipResult>;

/** Fewer voters than this are not left on purpose, more than that are not made. */
const MEMBERS_MIN = 3;
const MEMBERS_MAX = 5;
/** Machines of a run, those that were taken out included. */
const SERVERS_MAX = 9;
/** How long one change is waited for while faults go on, and after the last heal. */
const PATIENCE_MS = 8_000;
const SETTLED_MS = 60_000;

/** Adds nodes, takes nodes out, exchanges them and takes changes back, while everybody else works. */
export class MembershipWorkload extends RecordedWorkload<MembershipCall, MembershipResult> {
  readonly name = 'membership';
  readonly #cluster: StoreCluster;
  readonly #coverage: Coverage;
  readonly #founders: readonly NodeId[];

  constructor(cluster: StoreCluster, coverage: Coverage) {
    super(() => cluster.scheduler.nowUs);
    this.#cluster = cluster;
    this.#coverage = coverage;
    this.#founders = cluster.servers.map(({ id }) => id);
  }

  worker(world: WorkerWorld): Worker {
    return new MembershipWorker(world, this.history, this.#cluster, this.#coverage);
  }

  /** Every change ends, everybody agrees who is left, and each of those votes everywhere. */
  async judge(client: Client): Promise<void> {
    try {
      await client.cluster.settled(SETTLED_MS);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      throw new Violation('liveness-membership', error.message);
    }
    const members = (await client.cluster.members()).map(({ id }) => id);
    const [problem] = membershipProblems(this.#founders, this.history.operations, members);
    if (problem !== undefined) throw new Violation('membership', problem);
    this.#cluster.stopRemoved(members);
  }
}

class MembershipWorker extends Worker {
  readonly #history: MembershipHistory;
  readonly #cluster: StoreCluster;
  readonly #coverage: Coverage;

  constructor(world: WorkerWorld, history: MembershipHistory, cluster: StoreCluster, coverage: Coverage) {
    super(world);
    this.#history = history;
    this.#cluster = cluster;
    this.#coverage = coverage;
  }

  protected async step(random: Random): Promise<void> {
    const members = await this.#look();
    if (members === undefined) return;
    const { cluster } = this.client;
    if (randomChance(random, 0.1)) {
      const call = this.#history.invoke(this.process, '', { kind: 'take back' });
      const done = await this.#record(call, async () => {
        await cluster.cancelChange();
        return { kind: 'done' };
      });
      if (done) this.#coverage.hit('change of members taken back');
      return;
    }
    const { comes, goes } = this.#choose(random, members);
    const add = Array.from({ length: comes }, () => this.#cluster.addServer());
    // Clients that have lost everybody else ask their seeds, the founders: the last of these stays.
    const stays = members.find((id) => this.#cluster.isFounder(id));
    const may = members.filter((id) => id !== stays);
    const victims = Array.from({ length: may.length === 0 ? 0 : goes }, () => this.#victim(random, may));
    const remove = [...new Set(victims)];
    if (add.length + remove.length === 0) return;
    const call = this.#history.invoke(this.process, '', {
      kind: 'change',
      add: add.map(({ id }) => id),
      remove,
    });
    const done = await this.#record(call, async () => {
      await cluster.change({ add, remove });
      return this.#settled();
    });
    if (!done) return;
    if (add.length > 0) this.#coverage.hit('member added', add.length);
    if (remove.length > 0) this.#coverage.hit('member removed', remove.length);
  }

  /** What was asked for goes on, also when nobody can be asked how far it is. */
  async #settled(): Promise<MembershipResult> {
    try {
      await this.client.cluster.settled(PATIENCE_MS);
      return { kind: 'done' };
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      return { kind: 'begun' };
    }
  }

  /** How many come and how many go. */
  #choose(random: Random, { length }: readonly NodeId[]): { readonly comes: number; readonly goes: number } {
    const room = Math.min(SERVERS_MAX - this.#cluster.servers.length, MEMBERS_MAX - length + 1);
    const comes = length < MEMBERS_MIN ? MEMBERS_MIN - length : randomInteger(random, 0, 2);
    const spare = length + Math.min(comes, Math.max(0, room)) - MEMBERS_MIN;
    const goes = Math.min(spare, length - 1, randomInteger(random, 0, 2));
    return { comes: Math.max(0, Math.min(comes, room)), goes: Math.max(0, goes) };
  }

  /** Leaders more often than others. */
  #victim(random: Random, members: readonly NodeId[]): NodeId {
    const leader = this.#cluster.invariants.leader(rangeId(randomInteger(random, 1, 5)));
    if (leader !== undefined && members.includes(leader) && randomChance(random, 0.4)) return leader;
    return randomPick(random, members);
  }

  async #look(): Promise<readonly NodeId[] | undefined> {
    const call = this.#history.invoke(this.process, '', { kind: 'look' });
    const result = await this.record<MembershipCall, MembershipResult>(
      this.#history,
      call,
      true,
      async () => ({
        kind: 'members',
        ids: (await this.client.cluster.members()).map(({ id }) => id),
      }),
    );
    return result?.kind === 'members' ? (result.ids as readonly NodeId[]) : undefined;
  }

  /** Whether the change has happened, as far as anybody knows. */
  async #record(
    call: Operation<MembershipCall, MembershipResult>,
    perform: () => Promise<MembershipResult>,
  ): Promise<boolean> {
    const result = await this.record<MembershipCall, MembershipResult>(
      this.#history,
      call,
      false,
      perform,
      ({ code }) => (code === 'HF_CONFLICT' || code === 'HF_BAD_REQUEST' ? { kind: 'refused' } : undefined),
    );
    return result?.kind === 'done';
  }
}
