/** What a logical client can do next. */
export type OpName = 'put' | 'get' | 'staleGet' | 'scan';

export const WORKLOADS = {
  put: { about: 'puts', putShare: 1, read: 'get' },
  get: { about: 'linearizable gets', putShare: 0, read: 'get' },
  stale: { about: 'stale gets', putShare: 0, read: 'staleGet' },
  mixed: { about: '90 % linearizable gets, 10 % puts', putShare: 0.1, read: 'get' },
  scan: { about: 'scans of 100', putShare: 0, read: 'scan' },
} as const satisfies Readonly<
  Record<string, { readonly about: string; readonly putShare: number; readonly read: OpName }>
>;

export type WorkloadName = keyof typeof WORKLOADS;

export const WORKLOAD_NAMES = Object.keys(WORKLOADS) as readonly WorkloadName[];

export const KEY_BYTES = 16;
export const VALUE_BYTES = 256;
/** Rows that a scan asks for. */
export const SCAN_ROWS = 100;

/** One measurement: a workload with a number of logical clients, each with one operation under way at a time. */
export interface Point {
  readonly workload: WorkloadName;
  readonly clients: number;
}
