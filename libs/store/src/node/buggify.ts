import { LSM_BUGGIFY_POINTS, type LsmBuggifyPoint } from '@holdfast/lsm';
import { RAFT_BUGGIFY_POINTS, type RaftBuggifyPoint } from '@holdfast/raft';

/**
 * Points of a node at which a simulator makes rare and legal things happen (see `Buggify`), beside those of the core and
 * the engine.
 *
 * - `propose-late`: what was collected for the log waits for another turn.
 * - `apply-late`: what is committed waits for another turn.
 * - `compact-log-now`: a range gives up every log entry that a table holds: whoever lags needs a snapshot.
 * - `hand-over`: a leader gives its range to another voter, which may be down.
 * - `sleep-now`: a leader without work sends its range to sleep at once.
 * - `messages-dropped`: a frame of messages to a peer is dropped, as if too much were queued for it.
 * - `answer-lost`: the connection ends in place of the answer.
 * - `overloaded`: a batch is turned away.
 * - `wrong-range`: an operation is told that its range is elsewhere.
 * - `short-page`: a page of a scan ends early.
 * - `small-chunk`: a snapshot travels in many pieces.
 * - `transfer-given-up`: the sender of a snapshot gives up between two pieces.
 */
const NODE_BUGGIFY_POINTS = [
  'propose-late',
  'apply-late',
  'compact-log-now',
  'hand-over',
  'sleep-now',
  'messages-dropped',
  'answer-lost',
  'overloaded',
  'wrong-range',
  'short-page',
  'small-chunk',
  'transfer-given-up',
] as const;

export type NodeBuggifyPoint = (typeof NODE_BUGGIFY_POINTS)[number];
export type StoreBuggifyPoint = NodeBuggifyPoint | LsmBuggifyPoint | RaftBuggifyPoint;

/** All points of a node. */
export const STORE_BUGGIFY_POINTS: readonly StoreBuggifyPoint[] = [
  ...NODE_BUGGIFY_POINTS,
  ...LSM_BUGGIFY_POINTS,
  ...RAFT_BUGGIFY_POINTS,
];
