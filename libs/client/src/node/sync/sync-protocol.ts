import type { NodeId, Revision, Shareable } from '@holdfast/io';
import { type ErrorCode, HoldfastError, type Outcome } from '@holdfast/wire';
import type { Counted, Item, SwapResult, Written } from '../../api/keyspace.ts';
import type {
  CompareOptions,
  DeleteOptions,
  GetOptions,
  SetOptions,
  WriteCallOptions,
} from '../../api/options.ts';
import type { Row } from '../../api/scan.ts';
import type { TlsIdentity } from '../connect.ts';

/** What crosses between a script's thread and the thread that talks to the cluster. Values are bytes: codecs stay. */

type Plain<O> = Omit<O, 'signal'>;

interface SyncScanOptions {
  /** Empty = from the first key. */
  readonly start: Uint8Array;
  /** Empty = to the end of the keyspace. */
  readonly end: Uint8Array;
  readonly reverse: boolean;
  readonly keysOnly: boolean;
  readonly revision: number | undefined;
  readonly limit: number;
  readonly consistency: GetOptions['consistency'];
  readonly maxStalenessMs: number | undefined;
  readonly minRevision: number | undefined;
  readonly deadlineMs: number;
}

/** One call by its name, with its arguments. */
export type SyncCall =
  | { readonly name: 'get'; readonly key: Uint8Array; readonly options: Plain<GetOptions> }
  | {
      readonly name: 'set';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly options: Plain<SetOptions>;
    }
  | { readonly name: 'delete'; readonly key: Uint8Array; readonly options: Plain<DeleteOptions> }
  | {
      readonly name: 'compareAndSet';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly options: Plain<CompareOptions>;
    }
  | {
      readonly name: 'increment';
      readonly key: Uint8Array;
      readonly delta: number;
      readonly options: Plain<WriteCallOptions>;
    }
  | { readonly name: 'scan'; readonly options: SyncScanOptions };

/** What each call gives. */
export interface SyncResults {
  readonly get: Item<Uint8Array> | undefined;
  readonly set: Written;
  readonly delete: Written;
  readonly compareAndSet: SwapResult;
  readonly increment: Counted;
  readonly scan: readonly Row<Uint8Array | undefined>[];
}

export type SyncRequest =
  | { readonly id: number; readonly keyspace: string; readonly call: SyncCall }
  | { readonly id: number; readonly call: { readonly name: 'close' } };

/** An error without its prototype, which does not survive the way. */
export interface SyncFailure {
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly detail: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly revision: Revision | undefined;
  readonly leaderHint: NodeId | undefined;
}

/** `id` 0 is the answer to `connect`. */
export type SyncReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: SyncFailure };

export interface SyncConnectOptions {
  /** 32 hexadecimal digits; see `ClientOptions`. */
  readonly clusterId?: string;
  readonly token?: string;
  /** See `ConnectOptions`. */
  readonly tls?: TlsIdentity;
  /** Deadline of a call that names none, in milliseconds. Default 5 s. */
  readonly deadlineMs?: number;
  /** Name and version of the script, for the nodes' logs. */
  readonly agent?: string;
}

/** What the thread is started with; a port for requests and replies follows as its first message. */
export interface SyncWorkerData {
  readonly target: string;
  readonly options: SyncConnectOptions;
  /** Two numbers of 32 bits, see the positions below. */
  readonly bell: Shareable<SharedArrayBuffer>;
}

/** Counts what there is to look at: replies, and the end of the thread. Waiters wait for a change. */
export const BELL_NEWS = 0;
/** 1 once the thread has ended. */
export const BELL_ENDED = 1;
export const BELL_BYTES = 8;

export function failureOf(error: unknown): SyncFailure {
  const known =
    error instanceof HoldfastError
      ? error
      : new HoldfastError('HF_INTERNAL', { detail: error instanceof Error ? error.message : String(error) });
  const { code, outcome, detail, retryAfterMs, revision, leaderHint } = known;
  return { code, outcome, detail, retryAfterMs, revision, leaderHint };
}

export function errorOf(failure: SyncFailure): HoldfastError {
  const { code, outcome, detail, retryAfterMs, revision, leaderHint } = failure;
  return new HoldfastError(code, {
    outcome,
    ...(detail !== undefined && { detail }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(revision !== undefined && { revision }),
    ...(leaderHint !== undefined && { leaderHint }),
  });
}
