import { assert, type RangeId, unreachable } from '@holdfast/io';
import { type Tree, WriteBatch } from '@holdfast/lsm';
import { ChangeKind } from '@holdfast/wire';
import type { StagedSnapshot } from '../snapshot/snapshot-receiver.ts';
import { type AppliedMark, appliedMarkOf, descriptorMarkOf, encodeAppliedMark } from './applied-mark.ts';
import { CommandOverlay, type LiveVersion } from './command-overlay.ts';
import type { ChangeTap } from './change-tap.ts';
import { type CommandReader, ConditionKind, MutationKind } from './command.ts';
import { encodeCounter, readCounter } from './counter.ts';
import { encodeDescriptor, type RangeDescriptor } from './descriptor.ts';

/**
 * What became of one mutation. `aborted`: its own condition held, another op of its transaction stood in the
 * way. `not-integer`: an increment met something else, or would leave the safe integers.
 */
export type MutationVerdict = 'applied' | 'condition-failed' | 'aborted' | 'not-integer';

/** Hears the verdict of every op of an applied command, in op order. */
export interface MutationSink {
  /**
   * @param revision of the new version when applied; of the newest existing version otherwise (0 when absent).
   * @param counter after an applied increment: the new number; else 0.
   */
  mutated(op: number, verdict: MutationVerdict, revision: number, counter: number): void;
}

/** One op of a command while its transaction is being decided. */
interface Step {
  readonly op: number;
  readonly kind: MutationKind;
  readonly key: Uint8Array;
  /** Of a put: what is stored. */
  readonly value: Uint8Array;
  readonly delta: number;
  readonly condition: ConditionKind;
  readonly conditionRevision: number;
}

/**
 * Applies commands to the tree. Deterministic: the outcome is a function of the entries before and of nothing
 * else, so that every replica reaches the same bytes at the same index.
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

  constructor(tree: Tree, range: RangeId) {
    this.#tree = tree;
    this.#range = range;
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

  /** Replaces everything the tree has of the range by a snapshot, atomically and durably. */
  async install({ head, paths }: StagedSnapshot): Promise<void> {
    const { mark, descriptor, rangeTombstones } = head;
    await this.#tree.ingest(paths, {
      marks: new Map([
        [appliedMarkOf(this.#range), encodeAppliedMark(mark)],
        [descriptorMarkOf(this.#range), encodeDescriptor(descriptor)],
      ]),
      rangeTombstones,
      replace: { start: descriptor.start, end: descriptor.end },
    });
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
      if (isPlain(command)) {
        this.#writePlain(command, sink, overlay);
        continue;
      }
      overlay ??= this.#overlayBefore(command);
      const seen = overlay;
      const revision = command.revision;
      const steps = readTransaction(command);
      const versions = this.#versions(steps, seen);
      if (versions instanceof Promise) {
        return versions.then((found) => {
          this.#decide(steps, revision, found, sink, seen);
          return this.#run(command, mark, sink, seen);
        });
      }
      this.#decide(steps, revision, versions, sink, seen);
    }
    this.#commit(mark);
    return undefined;
  }

  #writePlain(
    command: CommandReader,
    sink: MutationSink | undefined,
    overlay: CommandOverlay | undefined,
  ): void {
    const { kind, key, revision } = command;
    if (kind === MutationKind.put) {
      this.#batch.put(key, revision, command.value);
      this.tap?.changed(ChangeKind.put, key, revision, command.value);
      overlay?.write(key, revision, command.value);
    } else {
      this.#batch.delete(key, revision);
      this.tap?.changed(ChangeKind.delete, key, revision, undefined);
      overlay?.write(key, revision, undefined);
    }
    sink?.mutated(command.index, 'applied', revision, 0);
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

  #versions(
    steps: readonly Step[],
    overlay: CommandOverlay,
  ): readonly LiveVersion[] | Promise<readonly LiveVersion[]> {
    const known: LiveVersion[] = [];
    for (const step of steps) {
      const version = overlay.live(step.key);
      if (version instanceof Promise) return Promise.all(steps.map(async ({ key }) => overlay.live(key)));
      known.push(version);
    }
    return known;
  }

  /**
   * All conditions are held against the state in front of the transaction; then all of it happens, in order, or
   * nothing. Increments see what earlier steps of the transaction have written.
   */
  #decide(
    steps: readonly Step[],
    revision: number,
    versions: readonly LiveVersion[],
    sink: MutationSink | undefined,
    overlay: CommandOverlay,
  ): void {
    const verdicts = steps.map((step, i) => verdictOf(step, versions[i]));
    const counters = verdicts.every((verdict) => verdict === 'applied')
      ? count(steps, versions, verdicts)
      : [];
    const ok = verdicts.every((verdict) => verdict === 'applied');
    for (const [i, step] of steps.entries()) {
      if (ok) this.#perform(step, revision, counters[i] ?? 0, overlay);
      const verdict = !ok && verdicts[i] === 'applied' ? 'aborted' : verdicts[i];
      sink?.mutated(step.op, verdict, ok ? revision : versions[i].revision, ok ? (counters[i] ?? 0) : 0);
    }
  }

  #perform(step: Step, revision: number, counter: number, overlay: CommandOverlay): void {
    const { kind, key } = step;
    switch (kind) {
      case MutationKind.put:
      case MutationKind.increment: {
        const value = kind === MutationKind.put ? step.value : encodeCounter(counter);
        this.#batch.put(key, revision, value);
        this.tap?.changed(ChangeKind.put, key, revision, value);
        overlay.write(key, revision, value);
        break;
      }
      case MutationKind.delete:
        this.#batch.delete(key, revision);
        this.tap?.changed(ChangeKind.delete, key, revision, undefined);
        overlay.write(key, revision, undefined);
        break;
      case MutationKind.check:
        break;
      default:
        unreachable(kind, 'mutation kind');
    }
  }

  #commit(mark: AppliedMark): void {
    this.#batch.mark(appliedMarkOf(this.#range), encodeAppliedMark(mark));
    this.#tree.apply(this.#batch);
    this.#batch.clear();
  }
}

/** A write that looks at nothing and belongs to no transaction. */
function isPlain(command: CommandReader): boolean {
  const { kind } = command;
  const writes = kind === MutationKind.put || kind === MutationKind.delete;
  return writes && command.conditionKind === ConditionKind.none && !command.chained;
}

/** The op that the reader stands on and those chained to it; the reader ends on the last of them. */
function readTransaction(command: CommandReader): readonly Step[] {
  const steps: Step[] = [];
  for (;;) {
    steps.push({
      op: command.index,
      kind: command.kind,
      key: command.key,
      value: command.value,
      delta: command.kind === MutationKind.increment ? command.delta : 0,
      condition: command.conditionKind,
      conditionRevision: command.conditionRevision,
    });
    if (!command.chained) return steps;
    const more = command.next();
    assert(more, 'a chain ends inside its command');
  }
}

function verdictOf(step: Step, live: LiveVersion): MutationVerdict {
  return conditionHolds(step.condition, step.conditionRevision, live.revision)
    ? 'applied'
    : 'condition-failed';
}

/** The number after each increment; marks an increment that cannot be as `not-integer` in `verdicts`. */
function count(
  steps: readonly Step[],
  versions: readonly LiveVersion[],
  verdicts: MutationVerdict[],
): readonly number[] {
  const counters: number[] = [];
  for (const [i, step] of steps.entries()) {
    if (step.kind !== MutationKind.increment) continue;
    const before = steps.findLastIndex((other, j) => j < i && writesSameKey(other, step));
    const start = before >= 0 ? writtenNumber(steps[before], counters[before]) : numberIn(versions[i]);
    const sum = start === undefined ? Number.NaN : start + step.delta;
    if (Number.isSafeInteger(sum)) counters[i] = sum;
    else verdicts[i] = 'not-integer';
  }
  return counters;
}

function writesSameKey(step: Step, other: Step): boolean {
  return step.kind !== MutationKind.check && String(step.key) === String(other.key);
}

function writtenNumber(step: Step, counter: number | undefined): number | undefined {
  if (step.kind === MutationKind.increment) return counter;
  return step.kind === MutationKind.delete ? 0 : readCounter(step.value);
}

function numberIn({ value }: LiveVersion): number | undefined {
  return value === undefined ? 0 : readCounter(value);
}

export function conditionHolds(kind: ConditionKind, wanted: number, live: number): boolean {
  switch (kind) {
    case ConditionKind.none:
      return true;
    case ConditionKind.absent:
      return live === 0;
    case ConditionKind.exists:
      return live !== 0;
    case ConditionKind.revisionEquals:
      return live === wanted;
    default:
      return unreachable(kind, 'condition kind');
  }
}
