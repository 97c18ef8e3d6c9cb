/**
 * Points of the core at which a simulator makes rare and legal things happen (see `Buggify`).
 *
 * - `append-one-entry`: an append message carries one entry, however many are due.
 * - `commit-one-entry`: a Ready hands out one committed entry, however many there are.
 */
export const RAFT_BUGGIFY_POINTS = ['append-one-entry', 'commit-one-entry'] as const;

export type RaftBuggifyPoint = (typeof RAFT_BUGGIFY_POINTS)[number];
