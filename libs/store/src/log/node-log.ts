import type { Buggify, Disk, Kernels, RangeId } from '@holdfast/io';
import {
  CorruptionError,
  type LogRecord,
  type LsmBuggifyPoint,
  type PendingRecord,
  SEGMENT_BYTES_DEFAULT,
  SegmentedLog,
} from '@holdfast/lsm';
import type { Entry, HardState, Ready } from '@holdfast/raft';
import type { NodeLogCanary } from '../node/canary.ts';
import { HardStateCopies, laterPromise } from './hard-state-copies.ts';
import {
  baseRecord,
  entriesRecord,
  hardStateRecord,
  LogRecordType,
  readBaseRecord,
  readEntriesRecord,
  readHardStateRecord,
} from './log-records.ts';
import { RecoveredGroup } from './recovered-group.ts';

/** Entry bytes in one record; a single larger entry still gets one. */
const RECORD_BYTES_TARGET = 1024 * 1024;

export interface NodeLogOptions {
  readonly disk: Disk;
  /** Of the segments. */
  readonly directory: string;
  /** Of the second copy of terms and votes. */
  readonly hardStateDirectory: string;
  readonly kernels: Kernels;
  readonly segmentBytes?: number;
  /** Hears where the torn or damaged end of the log begins, before it is overwritten. */
  readonly onCut?: (path: string, offset: number) => void;
  readonly buggify?: Buggify<LsmBuggifyPoint>;
  readonly canary?: NodeLogCanary;
}

/** Of the last segment of a full disk, this part takes no entries. */
const KEPT_SHARE = 4;
/** What an entry takes beside its data, at most. */
const ENTRY_BYTES = 64;

/** What must be known of a group when older segments are gone. */
interface GroupState {
  hardState: HardState | undefined;
  baseIndex: number;
  baseTerm: number;
}

/**
 * The one log of a node (D2): entries and hard states of all its Raft groups, in the order in which they were
 * handed out, made durable together by one sync.
 *
 * Every segment begins with hard state and base of every group. A segment can therefore be dropped as soon as
 * the entries inside it are compacted in every group.
 *
 * The last group of a log cannot tell a torn write from damage, and is cut. What was promised in it must survive that
 * all the same: terms and votes stand in `HardStateCopies` too, and a commit that changes one waits for both.
 */
export class NodeLog {
  readonly #log: SegmentedLog;
  readonly #copies: HardStateCopies;
  readonly #segmentBytes: number;
  readonly #groups: Map<RangeId, GroupState>;
  /** For each segment: the highest index of each group among the entries in it. */
  readonly #contents: Map<number, Map<RangeId, number>>;
  /** Highest index of each group in the records that the next commit takes along. */
  #collecting = new Map<RangeId, number>();
  #dropping: Promise<void> | undefined;

  /**
   * @throws CorruptionError for damage that is not a torn tail, and when nothing tells any more what this node has
   * promised; DiskError.
   */
  static async open(
    options: NodeLogOptions,
  ): Promise<{ readonly log: NodeLog; readonly groups: ReadonlyMap<RangeId, RecoveredGroup> }> {
    const {
      disk,
      directory,
      hardStateDirectory,
      kernels,
      segmentBytes = SEGMENT_BYTES_DEFAULT,
      buggify,
      canary,
    } = options;
    const recovered = new Map<RangeId, RecoveredGroup>();
    const contents = new Map<number, Map<RangeId, number>>();
    const states = new Map<RangeId, GroupState>();
    const unread = canary === 'hard-state-copy-unread';
    const copies = await HardStateCopies.read(disk, hardStateDirectory, kernels, unread);
    const segmentedLog = await SegmentedLog.open({
      disk,
      directory,
      kernels,
      segmentBytes,
      onRecord: (record) => replay(record, recovered, contents),
      checkpoint: () => checkpointOf(states),
      onFull: 'wait',
      mayCut: (path, offset) => {
        if (copies.state !== 'unreadable') {
          options.onCut?.(path, offset);
          return;
        }
        const detail = `nothing valid follows, and neither copy in ${hardStateDirectory} can be read: this node may have promised more than it knows`;
        throw new CorruptionError('log', path, offset, detail);
      },
      ...(buggify !== undefined && { buggify }),
      ...(canary !== undefined && canary !== 'hard-state-copy-unread' && { canary }),
    });
    const restored = restoreFrom(copies, recovered);
    for (const [range, group] of recovered) {
      group.assertWhole();
      const { hardState, baseIndex, baseTerm } = group;
      states.set(range, { hardState, baseIndex, baseTerm });
      copies.note(range, hardState);
    }
    await copies.rewrite();
    const log = new NodeLog(segmentedLog, copies, segmentBytes, states, contents);
    if (restored.length > 0) await log.#restore(restored);
    return { log, groups: recovered };
  }

  private constructor(
    log: SegmentedLog,
    copies: HardStateCopies,
    segmentBytes: number,
    groups: Map<RangeId, GroupState>,
    contents: Map<number, Map<RangeId, number>>,
  ) {
    this.#log = log;
    this.#copies = copies;
    this.#segmentBytes = segmentBytes;
    this.#groups = groups;
    this.#contents = contents;
  }

  /** The log has lost what the copies still knew: it gets it back. */
  #restore(groups: readonly RangeId[]): Promise<void> {
    for (const group of groups) {
      const { hardState } = this.#state(group);
      if (hardState !== undefined)
        this.#log.append(LogRecordType.hardState, [hardStateRecord(group, hardState)]);
    }
    return new Promise((resolve, reject) => {
      this.commit((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** Queues what a Ready wants persisted. */
  append(group: RangeId, ready: Ready): void {
    if (ready.snapshot !== undefined) this.#rebase(group, ready.snapshot.index, ready.snapshot.term);
    if (ready.hardState !== undefined) {
      this.#state(group).hardState = ready.hardState;
      this.#copies.note(group, ready.hardState);
      this.#log.append(LogRecordType.hardState, [hardStateRecord(group, ready.hardState)]);
    }
    const last = ready.entries.at(-1);
    if (last === undefined) return;
    for (const entries of recordSized(ready.entries)) {
      this.#log.append(LogRecordType.entries, entriesRecord(group, entries));
    }
    this.#collecting.set(group, last.index);
  }

  /** Makes everything appended so far durable: in the log, and what was promised in both copies as well. */
  commit(done: (error: Error | undefined) => void): void {
    const collected = this.#collecting;
    this.#collecting = new Map();
    const ended = this.#copies.settled ? done : this.#alsoCopied(done);
    this.#log.commit((error, place) => {
      if (place !== undefined) {
        for (let segment = place.firstSegment; segment <= place.lastSegment; segment++) {
          note(this.#contents, segment, collected);
        }
      }
      ended(error);
    });
  }

  /** Begins to write the copies. Gives what the log is to call: `done` follows the later of the two, or a failure. */
  #alsoCopied(done: (error: Error | undefined) => void): (error: Error | undefined) => void {
    let missing = 2;
    const one = (error: Error | undefined): void => {
      if (missing === 0) return;
      missing = error === undefined ? missing - 1 : 0;
      if (missing === 0) done(error);
    };
    this.#copies.commit(one);
    return one;
  }

  /** The group needs no entry up to `index` any more. Durable with the next commit; needs none of its own. */
  compacted(group: RangeId, index: number, term: number): void {
    if (index > (this.#groups.get(group)?.baseIndex ?? 0)) this.#rebase(group, index, term);
  }

  /** There is no room on disk for another segment. */
  get isShort(): boolean {
    return this.#log.isShort;
  }

  /**
   * Whether these entries may still come. While the disk is full, a part of the last segment is kept for terms
   * and votes: a node that cannot write those has to end.
   */
  takes(entries: readonly Entry[]): boolean {
    if (!this.#log.isShort) return true;
    const bytes = entries.reduce((sum, { data }) => sum + data.length + ENTRY_BYTES, 0);
    return this.#log.canHold(bytes + this.#segmentBytes / KEPT_SHARE);
  }

  /** Tries again to make room for another segment. */
  makeRoom(): void {
    this.#log.makeRoom();
  }

  /** Bytes of the segments in use. */
  get diskBytes(): number {
    return (this.#log.segment - this.#log.firstSegment + 1) * this.#segmentBytes;
  }

  /** The groups that keep the oldest segment from being dropped, each with its highest index in there. */
  pinning(): readonly (readonly [group: RangeId, index: number])[] {
    const oldest = this.#log.firstSegment;
    if (oldest === this.#log.segment) return [];
    return [...(this.#contents.get(oldest) ?? [])].filter(
      ([group, index]) => index > this.#state(group).baseIndex,
    );
  }

  /** Drops the oldest segments that hold nothing a group still needs. */
  dropSegments(): void {
    if (this.#dropping !== undefined) return;
    let first = this.#log.firstSegment;
    // What a group under way has put into a segment is known when it ends.
    while (first < this.#log.settledSegment && this.#dispensable(first)) {
      this.#contents.delete(first);
      first++;
    }
    if (first === this.#log.firstSegment) return;
    this.#dropping = this.#dropBefore(first);
  }

  /** The bases that make the segments dispensable must be durable before the segments go. */
  async #dropBefore(segment: number): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.commit((error) => (error === undefined ? resolve() : reject(error)));
      });
      await this.#log.truncateBefore(segment);
    } catch {
      // Files stay behind that the next recovery reads and skips. A broken log tells so at the next commit.
    }
    this.#dropping = undefined;
  }

  async close(): Promise<void> {
    await this.#dropping;
    await this.#log.close();
    await this.#copies.close();
  }

  #dispensable(segment: number): boolean {
    for (const [group, index] of this.#contents.get(segment) ?? []) {
      if (index > this.#state(group).baseIndex) return false;
    }
    return true;
  }

  #rebase(group: RangeId, index: number, term: number): void {
    const state = this.#state(group);
    state.baseIndex = index;
    state.baseTerm = term;
    this.#log.append(LogRecordType.base, [baseRecord({ group, index, term })]);
  }

  #state(group: RangeId): GroupState {
    let state = this.#groups.get(group);
    if (state === undefined) {
      state = { hardState: undefined, baseIndex: 0, baseTerm: 0 };
      this.#groups.set(group, state);
    }
    return state;
  }
}

/** Takes from the copies what the log does not know. Gives the groups that it lacked. */
function restoreFrom(copies: HardStateCopies, groups: Map<RangeId, RecoveredGroup>): readonly RangeId[] {
  const restored: RangeId[] = [];
  for (const [range, promised] of copies.groups) {
    let group = groups.get(range);
    if (group === undefined) {
      group = new RecoveredGroup();
      groups.set(range, group);
    }
    const { term, vote, commit } = group.hardState;
    const later = laterPromise({ term, vote }, promised);
    if (later.term === term && later.vote === vote) continue;
    group.hardState = { ...later, commit };
    restored.push(range);
  }
  return restored;
}

function replay(
  record: LogRecord,
  groups: Map<RangeId, RecoveredGroup>,
  contents: Map<number, Map<RangeId, number>>,
): void {
  const groupOf = (id: RangeId): RecoveredGroup => {
    let group = groups.get(id);
    if (group === undefined) {
      group = new RecoveredGroup();
      groups.set(id, group);
    }
    return group;
  };
  switch (record.type) {
    case LogRecordType.entries: {
      const { group, entries } = readEntriesRecord(record.payload);
      groupOf(group).append(entries);
      note(contents, record.segment, new Map([[group, entries.at(-1)!.index]]));
      break;
    }
    case LogRecordType.hardState: {
      const { group, hardState } = readHardStateRecord(record.payload);
      groupOf(group).hardState = hardState;
      break;
    }
    case LogRecordType.base: {
      const { group, index, term } = readBaseRecord(record.payload);
      groupOf(group).rebase(index, term);
      break;
    }
    default:
      throw new Error(`record type ${record.type} is of a later version`);
  }
}

function note(
  contents: Map<number, Map<RangeId, number>>,
  segment: number,
  indexes: ReadonlyMap<RangeId, number>,
): void {
  let known = contents.get(segment);
  if (known === undefined) {
    known = new Map();
    contents.set(segment, known);
  }
  for (const [group, index] of indexes) known.set(group, Math.max(index, known.get(group) ?? 0));
}

function checkpointOf(groups: ReadonlyMap<RangeId, GroupState>): readonly PendingRecord[] {
  const records: PendingRecord[] = [];
  for (const [group, { hardState, baseIndex, baseTerm }] of groups) {
    records.push({
      type: LogRecordType.base,
      parts: [baseRecord({ group, index: baseIndex, term: baseTerm })],
    });
    if (hardState !== undefined) {
      records.push({ type: LogRecordType.hardState, parts: [hardStateRecord(group, hardState)] });
    }
  }
  return records;
}

/** Cuts a run of entries into runs of about RECORD_BYTES_TARGET. */
function* recordSized(entries: readonly Entry[]): Generator<readonly Entry[]> {
  let from = 0;
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) {
    bytes += entries[i].data.length;
    if (bytes < RECORD_BYTES_TARGET) continue;
    yield entries.slice(from, i + 1);
    from = i + 1;
    bytes = 0;
  }
  if (from < entries.length) yield from === 0 ? entries : entries.slice(from);
}
