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
  /** Changes nothing: its condition guards the transaction that it stands in. */
  check: 7,
} as const;
export type OpKind = (typeof OpKind)[keyof typeof OpKind];
export const OP_KIND_MAX = 7;

/** True for the kinds that go through the log. */
export function isWrite(kind: number): boolean {
  return kind === OpKind.put || kind === OpKind.delete || kind === OpKind.increment || kind === OpKind.check;
}

export const OpFlag = {
  /** Scan: from the last key to the first. */
  reverse: 1,
  /** Scan: keys and revisions, no values. */
  keysOnly: 2,
  /** Write: the next op belongs to the same transaction. All of it in one range; all of it happens, or nothing. */
  chained: 4,
} as const;

/** What must hold for a write to happen; checked by the state machine, in the entry's place in the log. */
export const Condition = {
  none: 0,
  absent: 1,
  exists: 2,
  /** The key's revision is the op's `revision`. */
  revisionEquals: 3,
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
  /** The key had a value: before a delete, at the revision of a read, at the time of a refused condition. */
  found: 1,
  /** The first answer to this idempotency key, given again. */
  replayed: 2,
  /** Scan: there are more rows; go on at the resume key. */
  more: 4,
  /** Answered by the leader. */
  leader: 8,
} as const;
