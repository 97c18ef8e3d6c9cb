import { asError, compareBytes, type Disk, isDiskFull, joinPath } from '@holdfast/io';
import type { Table } from '../cache/table-cache.ts';
import { BrokenError, CompactionAbortedError, CorruptionError } from '../errors.ts';
import { tableFileName } from '../table/table-info.ts';
import type { TreeListener } from '../tree/events.ts';
import type { ResolvedOptions } from '../tree/options.ts';
import { mayHoldCovered, type RangeTombstone } from '../version/range-tombstones.ts';
import type { VersionEdit, VersionSet } from '../version/version-set.ts';
import { type CompactionJob, type Compactor, intervalsOf } from './compaction-job.ts';
import {
  type Choice,
  type MergeChoice,
  pickCompaction,
  pickRange,
  type PickLimits,
} from './pick-compaction.ts';

export interface DriverWorld {
  readonly disk: Disk;
  readonly directory: string;
  readonly options: ResolvedOptions;
  readonly versions: VersionSet;
  readonly compactor: Compactor;
  readonly emit: TreeListener;
  readonly horizon: () => number;
  /** Called in the turn in which the version changes. */
  readonly onInstalled: () => void;
  /** Called after each step. */
  readonly onProgress: () => void;
  /** A table that was read is damaged. */
  readonly onCorruption: (error: CorruptionError) => void;
  /** Gives up the room kept for a full disk. False when there is none. */
  readonly releaseReserve: () => Promise<boolean>;
  /** The tree cannot go on. */
  readonly onBroken: (error: unknown) => void;
}

export interface CompactionTotals {
  compactions: number;
  moves: number;
  bytesRead: number;
  bytesWritten: number;
}

interface Request {
  readonly task: () => Promise<void>;
  readonly done: (error?: unknown) => void;
}

/** A compactor that aborts this often in a row is broken, and so is the tree: level 0 would only grow. */
const ABORTS_MAX = 3;

/** Lets the picker decide and the compactor do, one compaction at a time, for as long as there is work. */
export class CompactionDriver {
  readonly #world: DriverWorld;
  readonly #limits: PickLimits;
  readonly #requests: Request[] = [];
  #running: Promise<void> | undefined;
  #stopped: { readonly error: unknown } | undefined;
  #isPoked = false;
  #job: CompactionJob | undefined;
  #aborts = 0;
  readonly totals: CompactionTotals = { compactions: 0, moves: 0, bytesRead: 0, bytesWritten: 0 };

  constructor(world: DriverWorld) {
    this.#world = world;
    const { options } = world;
    const compressionOf = (level: number): string => {
      const { compression } = options;
      return compression[Math.min(level, compression.length - 1)] ?? 'none';
    };
    this.#limits = {
      level0CompactionTables: options.level0CompactionTables,
      levelBaseBytes: options.levelBaseBytes,
      levelRatio: options.levelRatio,
      canMove: (level, outputLevel) => compressionOf(level) === compressionOf(outputLevel),
    };
  }

  /** Looks for work: after a flush, an ingestion, a rise of the horizon. */
  poke(): void {
    if (this.#stopped !== undefined) return;
    this.#isPoked = true;
    this.#running ??= this.#runWhilePoked();
  }

  /** Compacts everything that overlaps the range into the bottom level. */
  compactRange(start: Uint8Array | undefined, end: Uint8Array | undefined): Promise<void> {
    return this.exclusively(async () => {
      const { current } = this.#world.versions;
      const choice = pickRange(current, start, end);
      // Nothing is picked that would take a damaged table along.
      const damaged = [...current.tables()].find((table) => isHit(table, start, end));
      if (choice.kind === 'none' && damaged?.damage !== undefined) throw damaged.damage;
      await this.#perform(choice);
    });
  }

  /** Runs `task` when no compaction is running, and lets none start before it ends. */
  exclusively(task: () => Promise<void>): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(asError(this.#stopped.error));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#requests.push({ task, done: (error) => (error === undefined ? resolve() : reject(error)) });
    this.poke();
    return promise;
  }

  /** Waits until nothing is left to do (what is running, and what that makes necessary). */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Cancels the running compaction and waits for its end: if it succeeds, its result is installed. */
  async stop(error: unknown): Promise<void> {
    this.#refuse(error);
    if (this.#job !== undefined) this.#world.compactor.cancel?.(this.#job);
    await this.#running;
  }

  /** Does nothing from now on; who waits hears why. */
  #refuse(error: unknown): void {
    this.#stopped ??= { error };
    for (const request of this.#requests.splice(0)) request.done(error);
  }

  async #runWhilePoked(): Promise<void> {
    // Not in the turn of the caller; and a poke from here on finds `#running` set or starts anew.
    await Promise.resolve();
    while (this.#isPoked && this.#stopped === undefined) {
      this.#isPoked = false;
      await this.#run();
    }
    this.#running = undefined;
  }

  async #run(): Promise<void> {
    while (this.#stopped === undefined) {
      const request = this.#requests[0];
      try {
        await this.#retireTombstones();
        if (request !== undefined) {
          await request.task();
          this.#requests.shift();
          request.done();
          continue;
        }
        if (this.#world.options.manualCompaction) return;
        const choice = pickCompaction(this.#world.versions.current, this.#limits);
        if (choice.kind === 'none') return;
        await this.#perform(choice);
      } catch (error) {
        if (request !== undefined) this.#requests.shift();
        request?.done(error);
        // Damaged inputs stay marked and are not picked again; a full disk is tried again at the next poke.
        if (error instanceof CorruptionError) continue;
        // When stopped, the loop ends; otherwise a new thread may fare better.
        if (error instanceof CompactionAbortedError && ++this.#aborts < ABORTS_MAX) continue;
        if (isDiskFull(error) && this.#world.versions.isHealthy) {
          // Whoever waits behind a request that failed has a verdict of its own coming.
          if ((await this.#world.releaseReserve()) || request !== undefined) continue;
          return;
        }
        this.#refuse(new BrokenError('the tree', error));
        this.#world.onBroken(error);
        return;
      } finally {
        this.#world.onProgress();
      }
    }
  }

  async #perform(choice: Choice<Table>): Promise<void> {
    const { emit } = this.#world;
    switch (choice.kind) {
      case 'none':
        return;
      case 'drop':
        await this.#install({ removed: choice.tables.map(({ meta }) => meta.number) });
        return;
      case 'move': {
        const { level, outputLevel, tables } = choice;
        await this.#install({
          removed: tables.map(({ meta }) => meta.number),
          added: tables.map(({ meta }) => ({ level: outputLevel, meta })),
        });
        this.totals.moves += tables.length;
        emit({ type: 'trivial-move', level, outputLevel, bytes: bytesOf(tables) });
        return;
      }
      default:
        await this.#merge(choice);
    }
  }

  async #merge(choice: MergeChoice<Table>): Promise<void> {
    const { disk, directory, options, compactor, emit } = this.#world;
    const { level, outputLevel } = choice;
    const inputs = choice.runs.flat();
    const bytesRead = bytesOf(inputs);
    emit({ type: 'compaction-begin', level, outputLevel, tables: inputs.length, bytes: bytesRead });
    for (const table of inputs) table.isCompacting = true;
    // The version is held so that no input is removed while it is read.
    const version = this.#world.versions.current.acquire();
    const job = this.#jobFor(choice, bytesRead);
    this.#job = job;
    let installing = false;
    try {
      const result = await compactor.run(job);
      this.#aborts = 0;
      if (result.tables.length > 0 && options.canary !== 'directory-not-synced')
        await disk.syncDirectory(directory);
      installing = true;
      await this.#install({
        removed: inputs.map(({ meta }) => meta.number),
        added: result.tables.map((meta) => ({ level: outputLevel, meta })),
        horizon: job.horizon,
      });
      const bytesWritten = result.tables.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
      this.totals.compactions++;
      this.totals.bytesRead += bytesRead;
      this.totals.bytesWritten += bytesWritten;
      const entriesDropped = result.entriesRead - result.entriesWritten;
      const tables = result.tables.length;
      emit({ type: 'compaction-end', level, outputLevel, bytesRead, bytesWritten, tables, entriesDropped });
    } catch (error) {
      if (error instanceof CorruptionError) this.#world.onCorruption(error);
      for (const table of inputs) table.isCompacting = table.damage !== undefined;
      // A manifest whose change failed may name them all the same: then they are all that is left of the inputs.
      if (!installing || this.#world.versions.isHealthy) await this.#removeOutputs(job);
      emit({ type: 'compaction-failed', level, outputLevel, error });
      throw error;
    } finally {
      this.#job = undefined;
      version.release();
    }
  }

  #jobFor(choice: MergeChoice<Table>, bytes: number): CompactionJob {
    const { directory, options, versions } = this.#world;
    const { current } = versions;
    const { compression } = options;
    const numberCount = Math.ceil(bytes / options.tableBytes) * 4 + choice.runs.flat().length * 2 + 16;
    return {
      directory,
      runs: choice.runs.map((run) => run.map(({ meta }) => meta)),
      horizon: this.#world.horizon(),
      rangeTombstones: current.rangeTombstones,
      deeper: current.levels.slice(choice.outputLevel + 1).map(intervalsOf),
      tableBytes: options.tableBytes,
      blockBytes: options.blockBytes,
      restartInterval: options.restartInterval,
      bloomBitsPerKey: options.bloomBitsPerKey,
      compression: compression[Math.min(choice.outputLevel, compression.length - 1)] ?? 'none',
      numberFirst: versions.nextNumber(numberCount),
      numberCount,
      bindingBase: versions.bindingOf(0),
      bytesPerSecond: isPressing(current.levels[0]!, options) ? 0 : options.compactionBytesPerSecond,
    };
  }

  /** Best effort: what stays is an orphan that the next opening removes. */
  async #removeOutputs({ numberFirst, numberCount }: CompactionJob): Promise<void> {
    const { disk, directory } = this.#world;
    try {
      for (const name of await disk.list(directory)) {
        const number = Number.parseInt(name, 10);
        const isOutput =
          number >= numberFirst && number < numberFirst + numberCount && name === tableFileName(number);
        if (isOutput) await disk.remove(joinPath(directory, name));
      }
    } catch {
      return;
    }
  }

  /** Range tombstones below the horizon come into force for compaction; those with nothing left to hide go. */
  async #retireTombstones(): Promise<void> {
    const { versions } = this.#world;
    const { rangeTombstones } = versions.current;
    if (rangeTombstones.length === 0) return;
    const horizon = this.#world.horizon();
    const tables = [...versions.current.tables()];
    const removedTombstones: RangeTombstone[] = [];
    const addedTombstones: RangeTombstone[] = [];
    for (const tombstone of rangeTombstones) {
      const isDue = tombstone.appliedFrom === undefined && tombstone.revision <= horizon;
      const isApplied = tombstone.appliedFrom !== undefined || isDue;
      const isUseless = isApplied && !tables.some(({ meta }) => mayHoldCovered(tombstone, meta));
      if (isDue || isUseless) removedTombstones.push(tombstone);
      if (isDue && !isUseless) addedTombstones.push({ ...tombstone, appliedFrom: versions.nextNumber() });
    }
    if (removedTombstones.length > 0) await this.#install({ removedTombstones, addedTombstones, horizon });
  }

  #install(edit: VersionEdit): Promise<void> {
    return this.#world.versions.install(edit, this.#world.onInstalled);
  }
}

function isHit({ meta, damage }: Table, start: Uint8Array | undefined, end: Uint8Array | undefined): boolean {
  if (damage === undefined) return false;
  if (start !== undefined && compareBytes(meta.largestKey, start) < 0) return false;
  return end === undefined || compareBytes(meta.smallestKey, end) < 0;
}

function bytesOf(tables: readonly Table[]): number {
  let bytes = 0;
  for (const { meta } of tables) bytes += meta.fileBytes;
  return bytes;
}

/** Writes may soon stall: a compaction goes as fast as it can. */
function isPressing(level0: readonly Table[], { level0StallTables }: ResolvedOptions): boolean {
  return level0.length * 2 > level0StallTables;
}
