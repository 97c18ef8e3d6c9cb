import { assert, type RangeId } from '@holdfast/io';
import { type Tree, WriteBatch } from '@holdfast/lsm';
import { ChangeKind } from '@holdfast/wire';
import { wallMsOfRevision } from '../hybrid-clock.ts';
import type { ReplicaCanary } from '../node/canary.ts';
import type { StagedSnapshot } from '../snapshot/snapshot-receiver.ts';
import { expiryKeyOf, idempotencyKeyOf, isDataKey, localKeys, readExpiryKey } from '../tree-keys.ts';
import { type AppliedMark, appliedMarkOf, descriptorMarkOf, encodeAppliedMark } from './applied-mark.ts';
import type { ChangeTap } from './change-tap.ts';
import { CommandOverlay, keyText, type LiveVersion } from './command-overlay.ts';
import { type CommandReader, ConditionKind, MutationKind } from './command.ts';
import { decide, keysRead, type Versions } from './decide.ts';
import { findInRange } from './delete-range.ts';
import { encodeDescriptor, type RangeDescriptor } from './descriptor.ts';
import { ExpiryBound } from './expiry-bound.ts';
import { encodeIdempotencyRecord, RECORD_PAYLOAD_BYTES_MAX, replay } from './idempotency-record.ts';
import { APPLIED, type MutationOutcome, refused } from './outcome.ts';
import { expiryOf } from './stored-value.ts';
import { type Once, readUnit, type Unit } from './unit.ts';

/** Hears what became of the ops of an applied command, in their order; of a transaction, of its first op only. */
export interface MutationSink {
  /** A write that looked at nothing has happened. */
  applied(op: number, revision: number): void;
  /** Any other op. */
  settled(op: number, outcome: MutationOutcome): void;
}

/** Hears what the entry at `index` does to the tree, right before it does. The records are a view valid in the call. */
export type WroteListener = (index: number, records: Uint8Array) => void;

/**
 * Applies commands to the tree. Deterministic: the outcome is a function of the entries before and of nothing
 * else, so that every replica reaches the same bytes at the same index. The time of an entry is that of its
 * revision.
 *
 * A command reaches the tree as one atomic batch together with the mark of its index; a crash therefore
 * leaves all of it or nothing, and replay starts exactly behind it.
 */
export class StateMachine {
  readonly #tree: Tree;
  readonly #range: RangeId;
  readonly #batch = new WriteBatch();
  /** Hears every change while somebody watches. */
  tap: ChangeTap | undefined;
  /** What a sweep has to know. */
  readonly expiry = new ExpiryBound();
  readonly #wrote: WroteListener | undefined;
  readonly #canary: ReplicaCanary | undefined;

  constructor(
    tree: Tree,
    range: RangeId,
    { wrote, canary }: { readonly wrote?: WroteListener; readonly canary?: ReplicaCanary } = {},
  ) {
    this.#tree = tree;
    this.#range = range;
    this.#wrote = wrote;
    this.#canary = canary;
  }

  /**
   * Returns a promise only when a condition needs a block that is not in memory. The caller applies nothing
   * else to this range before it settles.
   */
  apply(
    command: CommandReader,
    mark: AppliedMark,
    sink: MutationSink | undefined,
  ): Promise<void> | undefined {
    assert(this.#batch.count === 0, 'one command at a time');
    return this.#run(command, mark, sink, undefined);
  }

  /** Undefined when the tree takes writes; else settles when it does again. */
  writable(): Promise<void> | undefined {
    return this.#tree.writable();
  }

  /** Moves the mark over an entry that changes no data: a no-op, or with `descriptor` a configuration change. */
  applyMark(mark: AppliedMark, descriptor?: RangeDescriptor): void {
    if (descriptor !== undefined) {
      this.#batch.mark(descriptorMarkOf(this.#range), encodeDescriptor(descriptor));
    }
    this.#commit(mark);
  }

  /** Drops what was prepared of a command that could not be applied to its end. */
  discard(): void {
    this.#batch.clear();
  }

  /** Replaces everything the tree has of the range by a snapshot, atomically and durably. */
  async install({ head, paths }: StagedSnapshot): Promise<void> {
    const { mark, descriptor, rangeTombstones, horizon } = head;
    await this.#tree.ingest(paths, {
      marks: new Map([
        [appliedMarkOf(this.#range), encodeAppliedMark(mark)],
        [descriptorMarkOf(this.#range), encodeDescriptor(descriptor)],
      ]),
      rangeTombstones,
      horizon,
      replace: [{ start: descriptor.start, end: descriptor.end }, localKeys(this.#range)],
    });
    this.expiry.lower(0);
  }

  /** An overlay exists from the first op on that reads; plain writes need none. */
  #run(
    command: CommandReader,
    mark: AppliedMark,
    sink: MutationSink | undefined,
    known: CommandOverlay | undefined,
  ): Promise<void> | undefined {
    let overlay = known;
    while (command.next()) {
      if (isPlain(command, sink !== undefined)) {
        const { kind, key, revision } = command;
        this.#write(key, kind === MutationKind.put ? command.value : undefined, revision, overlay);
        sink?.applied(command.index, revision);
        continue;
      }
      overlay ??= this.#overlayBefore(command);
      const seen = overlay;
      const pending = this.#applyOther(command, seen, sink);
      if (pending !== undefined) return pending.then(() => this.#run(command, mark, sink, seen));
    }
    this.#commit(mark);
    return undefined;
  }

  /** What the plain ops in front of the first reading one have written: the tree does not show it yet. */
  #overlayBefore(command: CommandReader): CommandOverlay {
    const overlay = new CommandOverlay(this.#tree);
    const earlier = command.restart();
    for (let op = 0; op < command.index && earlier.next(); op++) {
      const value = earlier.kind === MutationKind.put ? earlier.value : undefined;
      overlay.write(earlier.key, earlier.revision, value);
    }
    return overlay;
  }

  #applyOther(
    command: CommandReader,
    overlay: CommandOverlay,
    sink: MutationSink | undefined,
  ): Promise<void> | undefined {
    if (command.kind === MutationKind.expire) {
      const { key, conditionRevision, revision } = command;
      const pending = this.#expire(key, conditionRevision, revision, overlay);
      sink?.settled(command.index, APPLIED);
      return pending;
    }
    const unit = readUnit(command);
    const range = unit.kind === MutationKind.deleteRange ? readDeletion(command) : undefined;
    const { once } = unit;
    const settle = (found: LiveVersion | undefined): Promise<void> | undefined => {
      const first = once !== undefined && found?.value !== undefined ? replay(found.value, once) : undefined;
      if (first !== undefined || found?.value !== undefined) {
        sink?.settled(unit.op, first ?? refused('key-reused', 0));
        return undefined;
      }
      if (range !== undefined) return this.#deleteRange(unit, range, overlay, sink);
      const versions = versionsOf(keysRead(unit), overlay, wallMsOfRevision(unit.revision));
      if (!(versions instanceof Promise)) {
        this.#decide(unit, versions, overlay, sink);
        return undefined;
      }
      return versions.then((late) => this.#decide(unit, late, overlay, sink));
    };
    if (once === undefined || this.#canary === 'duplicate-apply') return settle(undefined);
    const recorded = overlay.live(idempotencyKeyOf(this.#range, once.key), wallMsOfRevision(unit.revision));
    return recorded instanceof Promise ? recorded.then(settle) : settle(recorded);
  }

  #decide(unit: Unit, versions: Versions, overlay: CommandOverlay, sink: MutationSink | undefined): void {
    const ignores = this.#canary === 'checks-ignored' && unit.kind === MutationKind.transaction;
    const decided = ignores ? { ...unit, checks: [] } : unit;
    let { outcome, writes } = decide(decided, versions);
    if (unit.once !== undefined && outcome.payload.length > RECORD_PAYLOAD_BYTES_MAX) {
      outcome = refused('answer-too-large', 0);
      writes = [];
    }
    for (const { key, value } of writes) this.#write(key, value, unit.revision, overlay);
    this.#settle(unit, outcome, overlay, sink);
  }

  /** Stands alone in its command, so the tree shows everything in front of it. */
  async #deleteRange(
    unit: Unit,
    range: { readonly end: Uint8Array; readonly limit: number },
    overlay: CommandOverlay,
    sink: MutationSink | undefined,
  ): Promise<void> {
    const [{ key: start }] = unit.success;
    const nowMs = wallMsOfRevision(unit.revision);
    const found = await findInRange(this.#tree, start, range.end, range.limit, nowMs);
    for (const key of found.keys) this.#write(key, undefined, unit.revision, overlay);
    const { live: counter, resumeKey: payload } = found;
    this.#settle(unit, { ...APPLIED, revision: unit.revision, counter, payload }, overlay, sink);
  }

  #settle(
    unit: Unit,
    outcome: MutationOutcome,
    overlay: CommandOverlay,
    sink: MutationSink | undefined,
  ): void {
    const forgets = this.#canary === 'record-on-leader-only' && sink === undefined;
    if (unit.once !== undefined && !forgets) this.#record(unit, unit.once, outcome, overlay);
    sink?.settled(unit.op, outcome);
  }

  #record(unit: Unit, once: Once, outcome: MutationOutcome, overlay: CommandOverlay): void {
    const record = encodeIdempotencyRecord(unit, once, outcome);
    this.#write(idempotencyKeyOf(this.#range, once.key), record, unit.revision, overlay);
  }

  /** Removes a version whose time has come, unless the key has a newer one, and the entry that said so. */
  #expire(
    expiryKey: Uint8Array,
    version: number,
    revision: number,
    overlay: CommandOverlay,
  ): Promise<void> | undefined {
    const { dueMs, key } = readExpiryKey(expiryKey);
    if (dueMs > wallMsOfRevision(revision)) return undefined;
    const remove = (live: LiveVersion): void => {
      this.#batch.delete(expiryKey, revision);
      if (live.revision === version) this.#write(key, undefined, revision, overlay, ChangeKind.expire);
    };
    const live = overlay.live(key, 0);
    if (live instanceof Promise) return live.then(remove);
    remove(live);
    return undefined;
  }

  /** The one place where a key gets a version. @param value undefined deletes */
  #write(
    key: Uint8Array,
    value: Uint8Array | undefined,
    revision: number,
    overlay: CommandOverlay | undefined,
    kind: ChangeKind = value === undefined ? ChangeKind.delete : ChangeKind.put,
  ): void {
    overlay?.write(key, revision, value);
    if (this.tap !== undefined && isDataKey(key)) this.tap.changed(kind, key, revision, value);
    if (value === undefined) {
      this.#batch.delete(key, revision);
      return;
    }
    this.#batch.put(key, revision, value);
    const dueMs = expiryOf(value);
    if (dueMs === 0) return;
    this.#batch.put(expiryKeyOf(this.#range, dueMs, key), revision, NOTHING);
    this.expiry.lower(dueMs);
  }

  #commit(mark: AppliedMark): void {
    this.#batch.mark(appliedMarkOf(this.#range), encodeAppliedMark(mark));
    this.#wrote?.(mark.index, this.#batch.encoded());
    this.#tree.apply(this.#batch);
    this.#batch.clear();
  }
}

const NOTHING = new Uint8Array(0);

/** A write that looks at nothing: nobody waits here for what was there before. */
function isPlain(command: CommandReader, waited: boolean): boolean {
  const { kind } = command;
  if (kind !== MutationKind.put && kind !== MutationKind.delete) return false;
  return command.conditionKind === ConditionKind.none && !(waited && command.tells);
}

function readDeletion(command: CommandReader): { readonly end: Uint8Array; readonly limit: number } {
  return { end: command.deleteEnd, limit: command.deleteLimit };
}

function versionsOf(
  keys: readonly Uint8Array[],
  overlay: CommandOverlay,
  nowMs: number,
): Versions | Promise<Versions> {
  const known = new Map<string, LiveVersion>();
  for (const [i, key] of keys.entries()) {
    const version = overlay.live(key, nowMs);
    if (version instanceof Promise) return lateVersions(keys.slice(i), version, known, overlay, nowMs);
    known.set(keyText(key), version);
  }
  return known;
}

/** @param first what is being read of the first of `keys` */
async function lateVersions(
  [at, ...rest]: readonly Uint8Array[],
  first: Promise<LiveVersion>,
  known: Map<string, LiveVersion>,
  overlay: CommandOverlay,
  nowMs: number,
): Promise<Versions> {
  const others = rest.map(async (key) => overlay.live(key, nowMs));
  const found = await Promise.all([first, ...others]);
  for (const [i, key] of [at, ...rest].entries()) known.set(keyText(key), found[i]);
  return known;
}
