import type { LoadTarget } from '../load/protocol.ts';
import type { WorkloadName } from '../workloads.ts';
import type { Child } from './child.ts';

export interface StartOptions {
  /** Empty, on the disk that is to be measured. */
  readonly directory: string;
  /** Flags of V8 and Node for our own server processes. */
  readonly nodeFlags?: readonly string[];
  /** Our processes take requests for profiles from this one. */
  readonly profiled?: boolean;
}

/** A system of servers that is up. */
export interface RunningSystem {
  /** Servers; the load generator is not among them. */
  readonly children: readonly Child[];
  /** What the load generator is told. */
  readonly target: LoadTarget;
  /** The process whose death stops writes; undefined where that question makes no sense. */
  leader(): Promise<Child | undefined>;
  /** Starts a killed server again on its old data and waits until it is part of the cluster. */
  restart(child: Child): Promise<void>;
  stop(): Promise<void>;
}

/** Something that can be measured. */
export interface System {
  readonly name: string;
  /** How it is set up, for the report: replicas, sync, transport. */
  readonly about: string;
  /** Copies of a value on disk: bytes per put are told per copy. */
  readonly replicas: number;
  readonly workloads: readonly WorkloadName[];
  /** Why it cannot run here; undefined when it can. */
  missing(): string | undefined;
  start(options: StartOptions): Promise<RunningSystem>;
}
