import type { Client } from '@holdfast/client';
import { Prng, randomPick } from '@holdfast/io';
import { History, type RegisterCall, type RegisterResult } from '../../../libs/sim/src/checkers/history.ts';
import type { AppendCall, AppendResult } from '../checks/append-check.ts';
import type { SetCall, SetResult } from '../../../libs/sim/src/checkers/set.ts';
import { until } from '../deadline.ts';
import { AppendWorker } from './append-worker.ts';
import { ClientAccess } from './client-access.ts';
import { HttpAccess } from './http-access.ts';
import { RegisterWorker } from './register-worker.ts';
import { SetWorker } from './set-worker.ts';
import type { Worker, WorkerWorld } from './worker.ts';

/** The keys change this often. */
const EPOCH_MS = 8_000;
/** After the last heal every worker writes so often before it counts as alive. */
const LIVENESS_WRITES = 5;

/** What all clients did and saw. */
export interface Histories {
  readonly register: History<RegisterCall, RegisterResult>;
  readonly append: History<AppendCall, AppendResult>;
  readonly set: History<SetCall, SetResult>;
}

type AnyWorker = Pick<Worker<unknown, unknown>, 'id' | 'start' | 'stop' | 'writes'>;

export interface WorkloadOptions {
  readonly seed: number;
  /** At least one. */
  readonly clients: readonly Client[];
  readonly gatewayUrl: string;
  /** A planted bug: reads through the library may be of any age. */
  readonly staleReads: boolean;
  /** Told of what no fault explains. */
  readonly report: (trouble: Error) => void;
}

/** All workers of a run: registers, counters and sets, through the library and through HTTP. */
export class Workload {
  readonly histories: Histories;
  readonly #world: WorkerWorld;
  readonly #workers: readonly AnyWorker[];

  constructor({ seed, clients, gatewayUrl, staleReads, report }: WorkloadOptions) {
    const random = new Prng(seed);
    const startMs = performance.now();
    const nowMs = (): number => performance.now() - startMs;
    const nowUs = (): number => Math.round(nowMs() * 1000);
    this.histories = { register: new History(nowUs), append: new History(nowUs), set: new History(nowUs) };
    this.#world = { nowMs, report, thinkMs: randomPick(random, [10, 30]), epochMs: EPOCH_MS };
    const deadlineMs = randomPick(random, [500, 2_000, 5_000]);
    const { register, append, set } = this.histories;
    const http = new HttpAccess(gatewayUrl, deadlineMs);
    const direct = clients.map(
      (client) => new ClientAccess(client, deadlineMs, staleReads ? 'eventual' : 'strong'),
    );
    const registerPorts = [...direct, ...direct, http, http];
    const appendPorts = [...direct, http];
    const setPorts = clients.slice(0, 2);
    const total = registerPorts.length + appendPorts.length + setPorts.length;
    let id = 0;
    this.#workers = [
      ...registerPorts.map(
        (port) => new RegisterWorker(id++, total, port, this.#world, register, random.fork()),
      ),
      ...appendPorts.map((port) => new AppendWorker(id++, total, port, this.#world, append, random.fork())),
      ...setPorts.map(
        (client) => new SetWorker(id++, total, client, deadlineMs, this.#world, set, random.fork()),
      ),
    ];
  }

  /** Epochs that have begun. */
  get epochs(): number {
    return Math.floor(this.#world.nowMs() / EPOCH_MS) + 1;
  }

  /** Acknowledged writes so far. */
  get writes(): number {
    return this.#workers.reduce((sum, { writes }) => sum + writes, 0);
  }

  start(): void {
    for (const worker of this.#workers) worker.start();
  }

  /** @throws DeadlineError when a worker cannot write any more. */
  async demandProgress(ms: number): Promise<void> {
    const before = this.#workers.map(({ writes }) => writes);
    const stuck = (): readonly number[] =>
      this.#workers
        .filter(({ writes }, i) => writes < (before[i] ?? 0) + LIVENESS_WRITES)
        .map(({ id }) => id);
    await until('every worker writes', ms, () => {
      const ids = stuck();
      if (ids.length > 0) throw new Error(`workers ${ids.join(', ')} do not`);
      return true;
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
  }

  /** Completed operations by outcome, over all histories. */
  counts(): { readonly ok: number; readonly fail: number; readonly info: number } {
    const histories = Object.values(this.histories) as readonly Pick<History, 'count'>[];
    const sum = (outcome: 'ok' | 'fail' | 'info'): number =>
      histories.reduce((total, history) => total + history.count(outcome), 0);
    return { ok: sum('ok'), fail: sum('fail'), info: sum('info') };
  }
}
