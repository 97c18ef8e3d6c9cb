import type { Client } from '@holdfast/client';
import type { Worker, WorkerWorld } from './worker.ts';

/** What a run does with its clients, and how that is judged. Freely mixed: each has keys of its own. */
export interface Workload {
  readonly name: string;
  /** One worker more; it begins when it is started. */
  worker(world: WorkerWorld): Worker;
  /** Operations by outcome so far. */
  count(outcome: 'ok' | 'fail' | 'info'): number;
  /** The history as JSON lines. */
  lines(): Iterable<string>;
  /**
   * Judges the history, when every worker has stopped and the cluster is whole.
   *
   * @param client for a last strong look
   * @throws Violation; HoldfastError when the last look fails
   */
  judge(client: Client): Promise<void>;
}

/** Deadline of each read of the last look, milliseconds: what it meets damaged has to be repaired meanwhile. */
export const LAST_LOOK_MS = 30_000;
