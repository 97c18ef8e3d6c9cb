/** Numbers of the data path. Part of the protocol: never changed, never reused. */

export const OpKind = {
  get: 1,
  put: 2,
  delete: 3,
  /** Revision, content type and size, without the value. */
  getRevision: 4,
  scan: 5,
  /** Adds to an 8-byte integer; see `DataRequestBuilder.increment`. */
  increment: 6,
  /** Checks and what follows from them, in one range: see `transaction.ts`. Its key is that of its first step. */
  transaction: 7,
  /** Deletes keys of `key .. end key`, at most `limit`; answers how many, and where to go on. */
  deleteRange: 8,
  /** What became of the write with an idempotency key (in `key`), asked of one range. */
  lookup: 9,
} as const;
export type OpKind = (typeof OpKind)[keyof typeof OpKind];
export const OP_KIND_MAX = 9;

/** True for the kinds that go through the log. */
export function isWrite(kind: number): boolean {
  return (
    kind === OpKind.put ||
    kind === OpKind.delete ||
    kind === OpKind.increment ||
    kind === OpKind.transaction ||
    kind === OpKind.deleteRange
  );
}

export const OpFlag = {
  /** Scan: from the last key to the first. */
  reverse: 1,
  /** Scan: keys and revisions, no values. */
  keysOnly: 2,
  /** Write: say whether the key had a value before. Costs a read where the write is applied. */
  tellExisted: 4,
  /** Scan: how many rows, without the rows. */
  countOnly: 8,
  /** Scan of the latest state: the answer is a snapshot, and names its revision for the pages that follow. */
  pinned: 16,
} as const;

/** What must hold for a write to happen; checked by the state machine, in the entry's place in the log. */
export const Condition = {
  none: 0,
  absent: 1,
  exists: 2,
  /** The key's revision is the op's `revision`. */
  revisionEquals: 3,
  /** Checks of transactions: the key's value is that of the check. */
  valueEquals: 4,
} as const;
export type Condition = (typeof Condition)[keyof typeof Condition];

export const Consistency = {
  /** Linearizable. */
  strong: 0,
  /** Not older than `maxStalenessMs`. */
  bounded: 1,
  eventual: 2,
} as const;
export type Consistency = (typeof Consistency)[keyof typeof Consistency];

export const AnswerFlag = {
  /** The key had a value: before a write that asked to be told, at the revision of a read. */
  found: 1,
  /** The first answer to this idempotency key, given again. */
  replayed: 2,
  /** Scan: there are more rows; go on at the resume key. */
  more: 4,
  /** Answered by the leader. */
  leader: 8,
  /** Transaction: the checks held. */
  succeeded: 16,
  /** Read: the value expires; the time stands behind it. */
  expires: 32,
} as const;
