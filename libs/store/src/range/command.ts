import { assert, readU53, viewOf, writeU53 } from '@holdfast/io';
import { DATA_KEY_PREFIX_BYTES, writeDataKey } from '../tree-keys.ts';
import { storedValueBytes, writeStoredValue } from './stored-value.ts';

/**
 * The payload of a normal Raft entry: a batch of mutations of one range. Keys and values stand in the form in
 * which the tree stores them, so that applying copies views and transforms nothing.
 *
 * ```
 * u8 version (1) | u8 0 | u16 ops | u32 0 | u64 revision of op 0          16 bytes, little-endian
 * per op: u8 kind and chain bit | u8 condition | u16 key bytes | u32 value bytes | u64 condition revision
 *         tree key | stored value (increment: i64 delta)
 * ```
 *
 * An op with the chain bit (0x80) and the op behind it belong to one transaction: all conditions of a chain hold,
 * or none of it happens. Op `i` gets revision `base + i`, so two writes of one batch never share an ETag; all ops
 * of a chain get the revision of its first.
 */
export const COMMAND_VERSION = 1;
const HEAD_BYTES = 16;
const OP_HEAD_BYTES = 16;
const CHAIN_BIT = 0x80;
const DELTA_BYTES = 8;

/** Most mutations in one command. */
export const COMMAND_OPS_MAX = 4096;
/** A command is closed when it is larger than this; one op of the largest size still fits behind it. Bytes. */
export const COMMAND_BYTES_TARGET = 1024 * 1024;

/** Numbers are part of the log format. */
export const MutationKind = {
  put: 1,
  delete: 2,
  /** Adds to the integer that the key holds; a missing key counts as 0. */
  increment: 3,
  /** Changes nothing: its condition guards the transaction that it stands in. */
  check: 4,
} as const;
export type MutationKind = (typeof MutationKind)[keyof typeof MutationKind];

/** Numbers are part of the log format. */
export const ConditionKind = { none: 0, absent: 1, exists: 2, revisionEquals: 3 } as const;
export type ConditionKind = (typeof ConditionKind)[keyof typeof ConditionKind];

/** Collects mutations into one command. Bytes are copied at `add`; the views given may be reused at once. */
export class CommandBuilder {
  #bytes: Uint8Array = new Uint8Array(4096);
  #view: DataView = viewOf(this.#bytes);
  #length = HEAD_BYTES;
  #ops = 0;
  /** Where the head of the op added last stands. */
  #lastOp = 0;

  get ops(): number {
    return this.#ops;
  }

  /** True when the next op belongs into a new command. */
  get full(): boolean {
    return this.#ops >= COMMAND_OPS_MAX || this.#length >= COMMAND_BYTES_TARGET;
  }

  put(
    keyspace: number,
    userKey: Uint8Array,
    contentType: Uint8Array,
    value: Uint8Array,
    expiresAtMs: number,
    condition: ConditionKind,
    conditionRevision: number,
  ): void {
    const valueBytes = storedValueBytes(contentType.length, value.length, expiresAtMs);
    const at = this.#open(MutationKind.put, keyspace, userKey, valueBytes, condition, conditionRevision);
    this.#length = writeStoredValue(this.#bytes, this.#view, at, contentType, value, expiresAtMs);
  }

  delete(keyspace: number, userKey: Uint8Array, condition: ConditionKind, conditionRevision: number): void {
    this.#length = this.#open(MutationKind.delete, keyspace, userKey, 0, condition, conditionRevision);
  }

  /** @param delta a safe integer */
  increment(
    keyspace: number,
    userKey: Uint8Array,
    delta: number,
    condition: ConditionKind,
    conditionRevision: number,
  ): void {
    const kind = MutationKind.increment;
    const at = this.#open(kind, keyspace, userKey, DELTA_BYTES, condition, conditionRevision);
    this.#view.setBigInt64(at, BigInt(delta), true);
    this.#length = at + DELTA_BYTES;
  }

  check(keyspace: number, userKey: Uint8Array, condition: ConditionKind, conditionRevision: number): void {
    this.#length = this.#open(MutationKind.check, keyspace, userKey, 0, condition, conditionRevision);
  }

  /** The op added last and the one to come belong to one transaction. */
  chain(): void {
    assert(this.#ops > 0, 'a chain begins with an op');
    this.#bytes[this.#lastOp] = this.#bytes[this.#lastOp] | CHAIN_BIT;
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
  ): number {
    assert(this.#ops < COMMAND_OPS_MAX, 'a command of COMMAND_OPS_MAX ops takes no further one');
    const keyBytes = DATA_KEY_PREFIX_BYTES + userKey.length;
    const start = this.#length;
    this.#lastOp = start;
    this.#reserve(start + OP_HEAD_BYTES + keyBytes + valueBytes);
    const view = this.#view;
    view.setUint8(start, kind);
    view.setUint8(start + 1, condition);
    view.setUint16(start + 2, keyBytes, true);
    view.setUint32(start + 4, valueBytes, true);
    writeU53(view, start + 8, conditionRevision);
    this.#ops++;
    return writeDataKey(this.#bytes, start + OP_HEAD_BYTES, keyspace, userKey);
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
  readonly #view: DataView;
  readonly ops: number;
  readonly baseRevision: number;
  #next = HEAD_BYTES;
  #index = -1;
  #start = 0;

  constructor(bytes: Uint8Array) {
    assert(bytes.length >= HEAD_BYTES, 'a command has a head');
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    assert(this.#view.getUint8(0) === COMMAND_VERSION, 'this build reads command version 1');
    this.ops = this.#view.getUint16(2, true);
    this.baseRevision = readU53(this.#view, 8);
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

  /** The op's own place in the command; ops of a transaction take the revision of its first op instead. */
  get revision(): number {
    return this.baseRevision + this.#index;
  }

  get kind(): MutationKind {
    return (this.#view.getUint8(this.#start) & ~CHAIN_BIT) as MutationKind;
  }

  /** The next op belongs to the same transaction. */
  get chained(): boolean {
    return (this.#view.getUint8(this.#start) & CHAIN_BIT) !== 0;
  }

  /** Of an increment. */
  get delta(): number {
    return Number(this.#view.getBigInt64(this.#start + OP_HEAD_BYTES + this.#keyBytes, true));
  }

  get conditionKind(): ConditionKind {
    return this.#view.getUint8(this.#start + 1) as ConditionKind;
  }

  get conditionRevision(): number {
    return readU53(this.#view, this.#start + 8);
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
    return this.#view.getUint16(this.#start + 2, true);
  }

  get #valueBytes(): number {
    return this.#view.getUint32(this.#start + 4, true);
  }
}
