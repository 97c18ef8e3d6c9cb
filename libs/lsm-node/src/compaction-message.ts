import { DiskError, type DiskErrorCode, transferable, type Transferable } from '@holdfast/io';
import {
  CompactionAbortedError,
  type CompactionJob,
  type CompactionResult,
  CorruptionError,
  type DamagedFile,
} from '@holdfast/lsm';
import { KeyReader, KeyWriter } from './key-pack.ts';

type Table = CompactionResult['tables'][number];
type RangeTombstone = CompactionJob['rangeTombstones'][number];

type PackedTable = Omit<Table, 'smallestKey' | 'largestKey'>;
export type PackedTombstone = Omit<RangeTombstone, 'start' | 'end'> & { readonly isBounded: boolean };

/**
 * A {@link CompactionJob} as it crosses to another thread: the keys in one buffer that moves, in the order in
 * which {@link packJob} meets them, everything else as plain data.
 */
export type PackedJob = Omit<CompactionJob, 'runs' | 'rangeTombstones' | 'deeper'> & {
  readonly runs: readonly (readonly PackedTable[])[];
  readonly rangeTombstones: readonly PackedTombstone[];
  /** Tables of each deeper level. */
  readonly deeper: readonly number[];
  readonly keys: Transferable<ArrayBuffer>;
};

type PackedResult = Omit<CompactionResult, 'tables'> & {
  readonly tables: readonly PackedTable[];
  readonly keys: Transferable<ArrayBuffer>;
};

type PackedError =
  | { readonly kind: 'aborted'; readonly reason: string }
  | {
      readonly kind: 'corruption';
      readonly file: DamagedFile;
      readonly path: string;
      readonly offset: number;
      readonly detail: string;
    }
  | { readonly kind: 'disk'; readonly code: DiskErrorCode; readonly operation: string; readonly path: string }
  | { readonly kind: 'other'; readonly message: string };

/** What comes back: errors are data, so that they keep their type. */
export type PackedAnswer = { readonly result: PackedResult } | { readonly error: PackedError };

export function packJob(job: CompactionJob): PackedJob {
  const keys = new KeyWriter();
  const runs = job.runs.map((run) => run.map((table) => packTable(table, keys)));
  const rangeTombstones = job.rangeTombstones.map((tombstone) => packTombstone(tombstone, keys));
  for (const { smallestKey, largestKey } of job.deeper.flat()) {
    keys.write(smallestKey);
    keys.write(largestKey);
  }
  const deeper = job.deeper.map((level) => level.length);
  return { ...job, runs, rangeTombstones, deeper, keys: transferable(keys.finish()) };
}

export function unpackJob({ keys: packed, ...job }: PackedJob): CompactionJob {
  const keys = new KeyReader(packed);
  const runs = job.runs.map((run) => run.map((table) => unpackTable(table, keys)));
  const rangeTombstones = job.rangeTombstones.map((tombstone) => unpackTombstone(tombstone, keys));
  const deeper = job.deeper.map((tables) =>
    Array.from({ length: tables }, () => ({ smallestKey: keys.read(), largestKey: keys.read() })),
  );
  return { ...job, runs, rangeTombstones, deeper };
}

export function packResult({ tables, ...rest }: CompactionResult): PackedResult {
  const keys = new KeyWriter();
  const packed = tables.map((table) => packTable(table, keys));
  return { ...rest, tables: packed, keys: transferable(keys.finish()) };
}

export function unpackResult({ keys: packed, tables, ...rest }: PackedResult): CompactionResult {
  const keys = new KeyReader(packed);
  return { ...rest, tables: tables.map((table) => unpackTable(table, keys)) };
}

export function packError(error: unknown): PackedError {
  if (error instanceof CorruptionError) {
    const { kind: file, path, offset, detail } = error;
    return { kind: 'corruption', file, path, offset, detail };
  }
  if (error instanceof DiskError) {
    const { code, operation, path } = error;
    return { kind: 'disk', code, operation, path };
  }
  if (error instanceof CompactionAbortedError) return { kind: 'aborted', reason: error.message };
  return { kind: 'other', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

export function unpackError(error: PackedError): Error {
  switch (error.kind) {
    case 'corruption':
      return new CorruptionError(error.file, error.path, error.offset, error.detail);
    case 'disk':
      return new DiskError(error.code, error.operation, error.path);
    case 'aborted':
      return new CompactionAbortedError(error.reason);
    case 'other':
      return new Error(`a compaction failed on its thread: ${error.message}`);
  }
}

function packTable({ smallestKey, largestKey, ...rest }: Table, keys: KeyWriter): PackedTable {
  keys.write(smallestKey);
  keys.write(largestKey);
  return rest;
}

function unpackTable(table: PackedTable, keys: KeyReader): Table {
  return { ...table, smallestKey: keys.read(), largestKey: keys.read() };
}

export function packTombstones(tombstones: readonly RangeTombstone[]): {
  readonly packed: readonly PackedTombstone[];
  readonly keys: Transferable<ArrayBuffer>;
} {
  const keys = new KeyWriter();
  const packed = tombstones.map((tombstone) => packTombstone(tombstone, keys));
  return { packed, keys: transferable(keys.finish()) };
}

export function unpackTombstones(
  tombstones: readonly PackedTombstone[],
  packed: ArrayBuffer,
): readonly RangeTombstone[] {
  const keys = new KeyReader(packed);
  return tombstones.map((tombstone) => unpackTombstone(tombstone, keys));
}

function packTombstone({ start, end, ...rest }: RangeTombstone, keys: KeyWriter): PackedTombstone {
  keys.write(start);
  if (end !== undefined) keys.write(end);
  return { ...rest, isBounded: end !== undefined };
}

function unpackTombstone({ isBounded, ...rest }: PackedTombstone, keys: KeyReader): RangeTombstone {
  const start = keys.read();
  return { ...rest, start, end: isBounded ? keys.read() : undefined };
}
