import type { WorldName } from './worlds.ts';

/** A planted bug, the world whose seeds must find it, and how many of them may be needed. */
export interface Canary {
  readonly name: string;
  readonly world: WorldName;
  readonly seedsMax: number;
}

/** A seed of the core alone takes a hundredth of the time of a whole cluster. */
const SEEDS_MAX: Readonly<Record<WorldName, number>> = { cluster: 200, raft: 1_000 };

const canary = (name: string, world: WorldName): Canary => ({ name, world, seedsMax: SEEDS_MAX[world] });

export const CANARIES: readonly Canary[] = [
  canary('forget-sync', 'cluster'),
  canary('vote-not-persisted', 'cluster'),
  canary('read-without-quorum', 'cluster'),
  canary('truncate-on-middle-damage', 'cluster'),
  canary('directory-not-synced', 'cluster'),
  canary('hard-state-copy-unread', 'cluster'),
  canary('apply-past-gap', 'cluster'),
  canary('snapshot-over-newer-state', 'cluster'),
  canary('duplicate-apply', 'cluster'),
  canary('record-on-leader-only', 'cluster'),
  canary('expiry-by-wall-clock', 'cluster'),
  canary('checks-ignored', 'cluster'),
  canary('vote-not-persisted', 'raft'),
  canary('term-not-persisted', 'raft'),
  canary('read-without-quorum', 'raft'),
  canary('late-read-index', 'raft'),
  canary('old-term-commit', 'raft'),
  canary('conf-change-without-own-term-commit', 'raft'),
  canary('learner-in-quorum', 'raft'),
  canary('lease-over-clock-jump', 'raft'),
  canary('removed-node-votes', 'raft'),
];
