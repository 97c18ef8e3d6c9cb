import type { LogCanary } from '@holdfast/lsm';
import type { RaftCanary } from '@holdfast/raft';

/**
 * Bugs that a simulator plants to prove that it would find them; production never sets one. Each is looked at on
 * the single line that it breaks.
 *
 * - `forget-sync`: the node log writes and does not sync.
 * - `truncate-on-middle-damage`: recovery cuts the log at a bad record in the middle.
 * - `directory-not-synced`: files get their names without a sync of the directory.
 * - `hard-state-copy-unread`: recovery looks at the log alone for terms and votes.
 * - `apply-past-gap`: of several entries that are due, the first is passed over.
 * - `snapshot-over-newer-state`: a snapshot is installed whatever has been applied already.
 * - `duplicate-apply`: a write that comes again under its idempotency key is applied again.
 * - `record-on-leader-only`: only the node that proposed a write remembers its idempotency key.
 * - `expiry-by-wall-clock`: what has expired is decided by the node's own wall clock, which nobody else hears of.
 * - `checks-ignored`: a transaction happens although what it checked has changed.
 */
export type StoreCanary = RaftCanary | NodeLogCanary | ReplicaCanary | ClockCanary;

export type NodeLogCanary = LogCanary | 'hard-state-copy-unread';

export type ClockCanary = 'expiry-by-wall-clock';

export type ReplicaCanary =
  | 'apply-past-gap'
  | 'snapshot-over-newer-state'
  | 'duplicate-apply'
  | 'record-on-leader-only'
  | 'checks-ignored';

const LOG_CANARIES: readonly string[] = [
  'forget-sync',
  'truncate-on-middle-damage',
  'directory-not-synced',
  'hard-state-copy-unread',
] satisfies readonly NodeLogCanary[];
const REPLICA_CANARIES: readonly string[] = [
  'apply-past-gap',
  'snapshot-over-newer-state',
  'duplicate-apply',
  'record-on-leader-only',
  'checks-ignored',
] satisfies readonly ReplicaCanary[];

/** The canary as options of the part that it lives in; nothing for the other parts. */
export function canaryOf(canary: StoreCanary | undefined): {
  readonly log: { readonly canary?: NodeLogCanary };
  readonly replica: { readonly canary?: ReplicaCanary };
  readonly raft: { readonly canary?: RaftCanary };
  readonly clock: { readonly canary?: ClockCanary };
} {
  const none = { log: {}, replica: {}, raft: {}, clock: {} };
  if (canary === undefined) return none;
  if (canary === 'expiry-by-wall-clock') return { ...none, clock: { canary } };
  if (LOG_CANARIES.includes(canary)) return { ...none, log: { canary: canary as NodeLogCanary } };
  if (REPLICA_CANARIES.includes(canary)) {
    return { ...none, replica: { canary: canary as ReplicaCanary } };
  }
  return { ...none, raft: { canary: canary as RaftCanary } };
}
