import type { Client } from '@holdfast/client';
import { History, type RegisterCall, type RegisterResult } from '../checkers/history.ts';
import type { Worker, WorkerWorld } from './worker.ts';
import type { Workload } from './workload.ts';

/** A workload whose operations stand in one history. */
export abstract class RecordedWorkload<Call = RegisterCall, Result = RegisterResult> implements Workload {
  abstract readonly name: string;
  protected readonly history: History<Call, Result>;

  /** @param nowUs true virtual time, microseconds */
  constructor(nowUs: () => number) {
    this.history = new History(nowUs);
  }

  abstract worker(world: WorkerWorld): Worker;
  abstract judge(client: Client): Promise<void>;

  count(outcome: 'ok' | 'fail' | 'info'): number {
    return this.history.count(outcome);
  }

  lines(): Iterable<string> {
    return this.history.lines(this.name);
  }
}
