import type { Point } from '../workloads.ts';

/** Whom the load generator talks to, and how. */
export type LoadTarget =
  | { readonly kind: 'holdfast'; readonly addresses: readonly string[] }
  | { readonly kind: 'holdfast-http'; readonly address: string }
  | { readonly kind: 'etcd'; readonly addresses: readonly string[]; readonly connections: number }
  | { readonly kind: 'etcd-http'; readonly address: string }
  | { readonly kind: 'redis'; readonly address: string; readonly shared: boolean }
  | { readonly kind: 'nats'; readonly addresses: readonly string[] }
  | { readonly kind: 'reference'; readonly address: string };

export interface RunRequest extends Point {
  readonly type: 'run';
  /** Not measured. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** To the load generator. */
export type LoadRequest =
  /** Connect, and write every key once. */
  | { readonly type: 'prepare'; readonly target: LoadTarget; readonly keys: number }
  | RunRequest
  /** A put every `everyMs`, whether earlier ones are answered or not. */
  | { readonly type: 'probe'; readonly everyMs: number; readonly seconds: number }
  | { readonly type: 'end' };

export interface RunResult {
  readonly type: 'done';
  readonly ops: number;
  readonly puts: number;
  readonly errors: number;
  /** Of the first error. */
  readonly error: string | undefined;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Instants are `Date.now()` with fractions: comparable between processes of one machine. */
export interface ProbeResult {
  readonly type: 'probed';
  /** For each key that was probed: when its puts were acknowledged, ascending. */
  readonly acknowledgedAtMs: readonly (readonly number[])[];
  readonly errors: number;
}

/** From the load generator. */
export type LoadReply =
  | { readonly type: 'prepared' }
  /** The measured time begins, or the probing. */
  | { readonly type: 'measuring' }
  | RunResult
  | ProbeResult
  | { readonly type: 'failed'; readonly error: string };
