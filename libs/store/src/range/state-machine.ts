import { assert, unreachable, type RangeId } from '@holdfast/io';
import { type Tree, WriteBatch } from '@holdfast/lsm';
import { type CommandReader, ConditionKind, MutationKind } from './command.ts';
import type { StagedSnapshot } from '../snapshot/snapshot-receiver.ts';
import { type AppliedMark, appliedMarkOf, descriptorMarkOf, encodeAppliedMark } from './applied-mark.ts';
import { encodeDescriptor, type RangeDescriptor } from './descriptor.ts';

/** What became of one mutation. */
export type MutationVerdict = 'applied' | 'condition-failed';

/** Hears the verdict of every op of an applied command, in op order. */
export interface MutationSink {
  /**
   * @param revision of the new version when applied; of the newest existing version when the condition failed
   * (0 when the key is absent).
   */
  mutated(op: number, verdict: MutationVerdict, revision: number): void;
}

/** The newest version of a key as conditions see it: 0 when absent or deleted. */
type LiveRevision = number;

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

  #run(
    command: CommandReader,
    mark: AppliedMark,
    sink: MutationSink | undefined,
    overlay: Map<string, LiveRevision> | undefined,
  ): Promise<void> | undefined {
    let written = overlay;
    while (command.next()) {
      if (command.conditionKind === ConditionKind.none) {
        this.#mutate(command, sink, written);
        continue;
      }
      written ??= this.#writtenBefore(command);
      const live = written.get(keyText(command.key)) ?? this.#liveRevision(command.key);
      if (typeof live !== 'number') {
        const known = written;
        return live.then((revision) => {
          this.#decide(command, revision, sink, known);
          return this.#run(command, mark, sink, known);
        });
      }
      this.#decide(command, live, sink, written);
    }
    this.#commit(mark);
    return undefined;
  }

  #decide(
    command: CommandReader,
    live: LiveRevision,
    sink: MutationSink | undefined,
    written: Map<string, LiveRevision>,
  ): void {
    if (conditionHolds(command.conditionKind, command.conditionRevision, live)) {
      this.#mutate(command, sink, written);
    } else {
      sink?.mutated(command.index, 'condition-failed', live);
    }
  }

  #mutate(
    command: CommandReader,
    sink: MutationSink | undefined,
    written: Map<string, LiveRevision> | undefined,
  ): void {
    const { kind, key, revision } = command;
    switch (kind) {
      case MutationKind.put:
        this.#batch.put(key, revision, command.value);
        break;
      case MutationKind.delete:
        this.#batch.delete(key, revision);
        break;
      default:
        unreachable(kind, 'mutation kind');
    }
    written?.set(keyText(key), kind === MutationKind.delete ? 0 : revision);
    sink?.mutated(command.index, 'applied', revision);
  }

  /** What the ops in front of the first conditional one have written: the tree does not show it yet. */
  #writtenBefore(command: CommandReader): Map<string, LiveRevision> {
    const written = new Map<string, LiveRevision>();
    const earlier = command.restart();
    for (let op = 0; op < command.index && earlier.next(); op++) {
      written.set(keyText(earlier.key), earlier.kind === MutationKind.delete ? 0 : earlier.revision);
    }
    return written;
  }

  #liveRevision(key: Uint8Array): LiveRevision | Promise<LiveRevision> {
    const newest = this.#tree.latest(key);
    const live = (version: Awaited<typeof newest>): LiveRevision =>
      version === undefined || version.kind === 'delete' ? 0 : version.revision;
    return newest instanceof Promise ? newest.then(live) : live(newest);
  }

  #commit(mark: AppliedMark): void {
    this.#batch.mark(appliedMarkOf(this.#range), encodeAppliedMark(mark));
    this.#tree.apply(this.#batch);
    this.#batch.clear();
  }
}

export function conditionHolds(kind: ConditionKind, wanted: number, live: LiveRevision): boolean {
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

/** One character per byte: a map key that keeps different byte strings apart. */
function keyText(key: Uint8Array): string {
  return String.fromCharCode(...key);
}
