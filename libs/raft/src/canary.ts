/**
 * Planted bugs. A simulator sets one to prove that its checkers would find such a bug; production never does.
 * Each is checked at the one line that it breaks.
 *
 * - `vote-not-persisted`: a granted vote leaves before it is durable; after a crash the node votes again.
 * - `term-not-persisted`: a term adopted without a vote is not written; after a crash an old leader is obeyed.
 * - `read-without-quorum`: the leader answers reads without asking anybody, so a deposed one answers too.
 * - `late-read-index`: the answer to an old round confirms the newest one.
 * - `old-term-commit`: an entry of an older term commits by counting copies (paper 5.4.2, figure 8).
 * - `conf-change-without-own-term-commit`: a leader starts a change before it knows which older ones hold.
 * - `learner-in-quorum`: copies and confirmations of learners count.
 * - `lease-over-clock-jump`: the lease is measured in ticks. A process that was paused saw none of them pass,
 *   so it still believes in its lease when it wakes up; the correct line asks the injected clock.
 * - `removed-node-votes`: a candidate counts the vote of a node that its configuration does not hold.
 */
export type RaftCanary =
  | 'vote-not-persisted'
  | 'term-not-persisted'
  | 'read-without-quorum'
  | 'late-read-index'
  | 'old-term-commit'
  | 'conf-change-without-own-term-commit'
  | 'learner-in-quorum'
  | 'lease-over-clock-jump'
  | 'removed-node-votes';
