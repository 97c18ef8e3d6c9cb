import type { OpName } from '../workloads.ts';

/** Hears what became of an operation: `undefined` when it went well and the answer was right. */
export type Done = (error: string | undefined) => void;

/** How the load generator speaks to one kind of system. */
export interface Driver {
  /** Opens connections for this many logical clients. Those that are open stay so. */
  connect(clients: number): Promise<void>;
  /** Starts one operation of logical client `client`; `done` is called once, later. */
  start(client: number, op: OpName, key: number, done: Done): void;
  close(): void;
}
