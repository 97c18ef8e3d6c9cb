import type { TreeOptions } from '@holdfast/lsm';
import type { EngineName } from './names.ts';
import type { Action, Workload } from './workload.ts';

/** What a child process is told to do. */
export interface Job {
  readonly engine: EngineName;
  readonly directory: string;
  readonly action: Action;
  readonly start: Workload['start'];
  /** Leave a compacted database behind, outside of what is measured. */
  readonly settles: boolean;
  /** Only fill the directory with all entries and compact it. */
  readonly fills: boolean;
  readonly entries: number;
  readonly operations: number;
  readonly valueBytes: number;
  readonly cacheBytes: number;
  /** Options of our tree that differ from the defaults. */
  readonly tree: TreeOptions;
}

export interface JobResult {
  readonly operations: number;
  readonly seconds: number;
  /** The figure of the workload, in its unit. */
  readonly figure: number;
  readonly cpuSeconds: number;
  readonly rssBytesMax: number;
  readonly facts: Readonly<Record<string, number>>;
}
