import { assert, EMPTY_BYTES, loadU16, loadU32, loadU53, viewOf, writeU53 } from '@holdfast/io';
import { DATA_KEY_PREFIX_BYTES, writeDataKey } from '../tree-keys.ts';
import { FINGERPRINT_BYTES } from './fingerprint.ts';
import { storedValueBytes, writeStoredValue } from './stored-value.ts';

/**
 * The payload of a normal Raft entry: a batch of mutations of one range. Keys and values stand in the form in
 * which the tree stores them, so that applying copies views and transforms nothing.
 *
 * ```
 * u8 version (1) | u8 0 | u16 ops | u32 0 | u64 revision of op 0          16 bytes, little-endian
 * per op: u8 kind and tell bit | u8 condition | u16 key bytes | u32 value bytes | u64 condition revision
 *         key | value, by kind:
 *
 * put            tree key            stored value
 * delete, get    tree key
 * increment      tree key            i64 delta
 * check          tree key            what `valueEquals` compares with
 * transaction                        u16 checks | u16 then | u16 else: so many of the ops behind it are its steps
 * once           idempotency key     u64 fingerprint | u64 expiry, ms since 1970: holds for the op behind it
 * expire         expiry key          condition revision: of the version that is to go
 * deleteRange    first tree key      u32 keys at most | tree key behind the last; stands alone in its command
 * ```
 *
 * Op `i` gets revision `base + i`, so two writes of one batch never share an ETag; all steps of a transaction get
 * that of the transaction. With the tell bit (0x80), whoever waits wants to know whether the key had a value.
 */
export const COMMAND_VERSION = 1;
const HEAD_BYTES = 16;
const OP_HEAD_BYTES = 16;
const TELL_BIT = 0x80;
const DELTA_BYTES = 8;
const STEP_COUNTS_BYTES = 6;
const LIMIT_BYTES = 4;
const MOMENT_BYTES = 8;

/** Most mutations in one command. */
export const COMMAND_OPS_MAX = 4096;
/** A command is closed when it is larger than this; one op of the largest size still fits behind it. Bytes. */
export const COMMAND_BYTES_TARGET = 1024 * 1024;

/** A command begins with room for this, in bytes: most have one op or a few. */
const COMMAND_BYTES_FIRST = 512;

/** Numbers are part of the log format. */
export const MutationKind = {
  put: 1,
  delete: 2,
  /** Adds to the integer that the key holds; a missing key counts as 0. */
  increment: 3,
  /** Its steps follow: checks, then what is done when they hold, then what is done otherwise. */
  transaction: 4,
  /** The op behind it happens once however often it is proposed. */
  once: 5,
  /** Removes one version of a key, if it is still the newest and its time has come. */
  expire: 6,
  deleteRange: 7,
  /** Step of a transaction: its condition. */
  check: 8,
  /** Step of a transaction: a read. */
  get: 9,
} as const;
export type MutationKind = (typeof MutationKind)[keyof typeof MutationKind];

/** Numbers are part of the log format. */
export const ConditionKind = { none: 0, absent: 1, exists: 2, revisionEquals: 3, valueEquals: 4 } as const;
export type ConditionKind = (typeof ConditionKind)[keyof typeof ConditionKind];

/** Collects mutations into one command. Bytes are copied at `add`; the views given may be reused at once. */
export class CommandBuilder {
  #bytes: Uint8Array = new Uint8Array(COMMAND_BYTES_FIRST);
  #view: DataView = viewOf(this.#bytes);
  #length = HEAD_BYTES;
  #ops = 0;

  get ops(): number {
    return this.#ops;
  }

  /** Bytes of its memory. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Whether so many further ops belong into this command, rather than into a new one. */
  takes(ops: number): boolean {
    return this.#ops + ops <= COMMAND_OPS_MAX && this.#length < COMMAND_BYTES_TARGET;
  }

  /** @param expiresAtMs 0 for never @param tell say whether the key had a value */
  put(
    keyspace: number,
    userKey: Uint8Array,
    contentType: Uint8Array,
    value: Uint8Array,
    expiresAtMs: number,
    condition: ConditionKind = ConditionKind.none,
    conditionRevision = 0,
    tell = false,
  ): void {
    const valueBytes = storedValueBytes(contentType.length, value.length, expiresAtMs);
    const at = this.#open(
      MutationKind.put,
      keyspace,
      userKey,
      valueBytes,
      condition,
      conditionRevision,
      tell,
    );
    this.#length = writeStoredValue(this.#bytes, at, contentType, value, expiresAtMs);
  }

  delete(
    keyspace: number,
    userKey: Uint8Array,
    condition: ConditionKind = ConditionKind.none,
    conditionRevision = 0,
    tell = false,
  ): void {
    this.#length = this.#open(MutationKind.delete, keyspace, userKey, 0, condition, conditionRevision, tell);
  }

  /** @param delta a safe integer */
  increment(
    keyspace: number,
    userKey: Uint8Array,
    delta: number,
    condition: ConditionKind = ConditionKind.none,
    conditionRevision = 0,
    tell = false,
  ): void {
    const kind = MutationKind.increment;
    const at = this.#open(kind, keyspace, userKey, DELTA_BYTES, condition, conditionRevision, tell);
    this.#view.setBigInt64(at, BigInt(delta), true);
    this.#length = at + DELTA_BYTES;
  }

  /** The next op is applied once: what became of it is kept under `key` until `expiresAtMs`. */
  once(key: Uint8Array, fingerprint: Uint8Array, expiresAtMs: number): void {
    const at = this.#openRaw(MutationKind.once, key, fingerprint.length + MOMENT_BYTES, 0);
    this.#bytes.set(fingerprint, at);
    writeU53(this.#view, at + fingerprint.length, expiresAtMs);
    this.#length = at + fingerprint.length + MOMENT_BYTES;
  }

  /** The caller adds its steps at once: checks, then, otherwise. */
  transaction(checks: number, success: number, failure: number): void {
    const at = this.#openRaw(MutationKind.transaction, EMPTY_BYTES, STEP_COUNTS_BYTES, 0);
    this.#view.setUint16(at, checks, true);
    this.#view.setUint16(at + 2, success, true);
    this.#view.setUint16(at + 4, failure, true);
    this.#length = at + STEP_COUNTS_BYTES;
  }

  check(
    keyspace: number,
    userKey: Uint8Array,
    condition: ConditionKind,
    conditionRevision: number,
    value: Uint8Array,
  ): void {
    const kind = MutationKind.check;
    const at = this.#open(kind, keyspace, userKey, value.length, condition, conditionRevision, false);
    this.#bytes.set(value, at);
    this.#length = at + value.length;
  }

  get(keyspace: number, userKey: Uint8Array): void {
    this.#length = this.#open(MutationKind.get, keyspace, userKey, 0, ConditionKind.none, 0, false);
  }

  /** @param revision of the version that `expiryKey` is about */
  expire(expiryKey: Uint8Array, revision: number): void {
    this.#length = this.#openRaw(MutationKind.expire, expiryKey, 0, revision);
  }

  /** @param end tree key behind the last @param limit keys at most */
  deleteRange(keyspace: number, start: Uint8Array, end: Uint8Array, limit: number): void {
    const kind = MutationKind.deleteRange;
    const valueBytes = LIMIT_BYTES + end.length;
    const at = this.#open(kind, keyspace, start, valueBytes, ConditionKind.none, 0, false);
    this.#view.setUint32(at, limit, true);
    this.#bytes.set(end, at + LIMIT_BYTES);
    this.#length = at + valueBytes;
  }

  /** The finished command, which the caller owns; the builder is empty again. */
  finish(baseRevision: number): Uint8Array {
    assert(this.#ops > 0, 'a command has at least one op');
    const view = this.#view;
    view.setUint8(0, COMMAND_VERSION);
    view.setUint8(1, 0);
    view.setUint16(2, this.#ops, true);
    view.setUint32(4, 0, true);
    writeU53(view, 8, baseRevision);
    const command = this.#bytes.slice(0, this.#length);
    this.#length = HEAD_BYTES;
    this.#ops = 0;
    return command;
  }

  #open(
    kind: MutationKind,
    keyspace: number,
    userKey: Uint8Array,
    valueBytes: number,
    condition: ConditionKind,
    conditionRevision: number,
    tell: boolean,
  ): number {
    const keyBytes = DATA_KEY_PREFIX_BYTES + userKey.length;
    const at = this.#openOp(
      tell ? kind | TELL_BIT : kind,
      keyBytes,
      valueBytes,
      condition,
      conditionRevision,
    );
    return writeDataKey(this.#bytes, at, keyspace, userKey);
  }

  /** An op whose key is taken as it is. */
  #openRaw(kind: MutationKind, key: Uint8Array, valueBytes: number, revision: number): number {
    const at = this.#openOp(kind, key.length, valueBytes, ConditionKind.none, revision);
    this.#bytes.set(key, at);
    return at + key.length;
  }

  /** Room for an op with its head written; gives the position of its key. */
  #openOp(
    kindByte: number,
    keyBytes: number,
    valueBytes: number,
    condition: ConditionKind,
    conditionRevision: number,
  ): number {
    assert(this.#ops < COMMAND_OPS_MAX, 'a command of COMMAND_OPS_MAX ops takes no further one');
    const start = this.#length;
    this.#reserve(start + OP_HEAD_BYTES + keyBytes + valueBytes);
    const view = this.#view;
    view.setUint8(start, kindByte);
    view.setUint8(start + 1, condition);
    view.setUint16(start + 2, keyBytes, true);
    view.setUint32(start + 4, valueBytes, true);
    writeU53(view, start + 8, conditionRevision);
    this.#ops++;
    return start + OP_HEAD_BYTES;
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}

/** A command without ops: it only says that nothing at or below `revision` comes after it. */
export function closeCommand(revision: number): Uint8Array {
  const command = new Uint8Array(HEAD_BYTES);
  const view = viewOf(command);
  view.setUint8(0, COMMAND_VERSION);
  writeU53(view, 8, revision + 1);
  return command;
}

/** Walks the ops of a command without an object per op: `while (reader.next()) reader.key …`. */
export class CommandReader {
  readonly #bytes: Uint8Array;
  readonly ops: number;
  readonly baseRevision: number;
  #next = HEAD_BYTES;
  #index = -1;
  #start = 0;

  constructor(bytes: Uint8Array) {
    assert(bytes.length >= HEAD_BYTES, 'a command has a head');
    this.#bytes = bytes;
    assert(bytes[0] === COMMAND_VERSION, 'this build reads command version 1');
    this.ops = loadU16(bytes, 2);
    this.baseRevision = loadU53(bytes, 8);
  }

  /** A second reader of the same command, standing in front of its first op. */
  restart(): CommandReader {
    return new CommandReader(this.#bytes);
  }

  /** The revision of the last op of the command; of one without ops, the revision that it closes. */
  get lastRevision(): number {
    return this.baseRevision + this.ops - 1;
  }

  next(): boolean {
    if (this.#index + 1 >= this.ops) return false;
    this.#index++;
    this.#start = this.#next;
    this.#next = this.#start + OP_HEAD_BYTES + this.#keyBytes + this.#valueBytes;
    assert(this.#next <= this.#bytes.length, 'an op ends inside its command');
    return true;
  }

  /** Position of the current op in the batch, from 0. */
  get index(): number {
    return this.#index;
  }

  /** The op's own place in the command; steps of a transaction take the revision of the transaction instead. */
  get revision(): number {
    return this.baseRevision + this.#index;
  }

  get kind(): MutationKind {
    return (this.#bytes[this.#start] & ~TELL_BIT) as MutationKind;
  }

  /** Whoever waits wants to know whether the key had a value. */
  get tells(): boolean {
    return (this.#bytes[this.#start] & TELL_BIT) !== 0;
  }

  /** Of an increment. */
  get delta(): number {
    return Number(viewOf(this.#bytes).getBigInt64(this.#start + OP_HEAD_BYTES + this.#keyBytes, true));
  }

  get conditionKind(): ConditionKind {
    return this.#bytes[this.#start + 1] as ConditionKind;
  }

  get conditionRevision(): number {
    return loadU53(this.#bytes, this.#start + 8);
  }

  /** Of a transaction: how many of the ops behind it are its checks, its then-steps and its else-steps. */
  get stepCounts(): readonly [checks: number, success: number, failure: number] {
    const { value } = this;
    return [loadU16(value, 0), loadU16(value, 2), loadU16(value, 4)];
  }

  /** Of `once`: which request it was. */
  get fingerprint(): Uint8Array {
    return this.value.subarray(0, FINGERPRINT_BYTES);
  }

  /** Of `once`: when the record goes, milliseconds since 1970. */
  get recordExpiresAtMs(): number {
    return loadU53(this.value, FINGERPRINT_BYTES);
  }

  /** Of a deletion of a range: keys at most. */
  get deleteLimit(): number {
    return loadU32(this.value, 0);
  }

  /** Of a deletion of a range: the tree key behind the last. */
  get deleteEnd(): Uint8Array {
    return this.value.subarray(LIMIT_BYTES);
  }

  /** Tree key of the current op: a view into the command. */
  get key(): Uint8Array {
    const from = this.#start + OP_HEAD_BYTES;
    return this.#bytes.subarray(from, from + this.#keyBytes);
  }

  /** Stored value of the current op: a view into the command. */
  get value(): Uint8Array {
    const from = this.#start + OP_HEAD_BYTES + this.#keyBytes;
    return this.#bytes.subarray(from, from + this.#valueBytes);
  }

  get #keyBytes(): number {
    return loadU16(this.#bytes, this.#start + 2);
  }

  get #valueBytes(): number {
    return loadU32(this.#bytes, this.#start + 4);
  }
}
