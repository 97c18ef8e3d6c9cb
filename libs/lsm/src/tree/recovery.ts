import { type Disk, DiskError, joinPath, type Kernels } from '@holdfast/io';
import { CorruptionError } from '../errors.ts';
import { LEVEL_COUNT } from '../limits.ts';
import { parseTableFileName, tableFileName } from '../table/table-info.ts';
import { type DamagedSpan, spanOf } from '../version/damaged-spans.ts';
import { keepAside } from './quarantine.ts';
import { MANIFEST_NAME, type ManifestState, readManifest, writeManifest } from '../version/manifest.ts';

/** What opening a directory found. */
export interface Recovered {
  readonly state: ManifestState;
  /** Names of files that nothing refers to; they were removed. */
  readonly orphans: readonly string[];
  /** Tables that were missing or had the wrong size, and were taken out. */
  readonly lost: readonly { readonly error: CorruptionError; readonly table: DamagedSpan }[];
}

interface RecoveryWorld {
  readonly disk: Disk;
  readonly directory: string;
  readonly kernels: Kernels;
  /** For a tree that is made now. */
  readonly treeId: number;
  /** Take missing and cut tables out instead of refusing. */
  readonly isLenient: boolean;
}

/**
 * Reads the manifest of a directory (makes it when the directory is new), checks that its tables are there
 * with the size they should have, and removes files left over by a crash.
 *
 * @throws CorruptionError: damaged manifest, missing or cut table, tables without a manifest; DiskError.
 */
export async function recoverDirectory({
  disk,
  directory,
  kernels,
  treeId,
  isLenient,
}: RecoveryWorld): Promise<Recovered> {
  const names = await disk.list(directory);
  const found = await readManifest(disk, directory, kernels);
  if (found === undefined) {
    const table = names.find((name) => parseTableFileName(name) !== undefined);
    if (table !== undefined) {
      throw new CorruptionError(
        'manifest',
        joinPath(directory, MANIFEST_NAME),
        0,
        `missing, but ${table} exists`,
      );
    }
  }
  const { state, lost } = await withoutLost(disk, directory, found ?? emptyState(treeId), isLenient);
  const live = new Set([MANIFEST_NAME]);
  for (const { number } of state.levels.flat()) live.add(tableFileName(number));
  // What was read may be in the page cache only: the process before this one died inside the change that made
  // it, or after a failed sync. Nothing is removed or promised on the strength of it before it is durable.
  await writeManifest(disk, directory, state, kernels);
  const orphans: string[] = [];
  let { nextFileNumber } = state;
  // Listed again: a half-written manifest of an earlier life has become the new one.
  for (const name of await disk.list(directory)) {
    const number = parseTableFileName(name);
    if (number !== undefined) nextFileNumber = Math.max(nextFileNumber, number + 1);
    const isOurs = number !== undefined || name === `${MANIFEST_NAME}.tmp`;
    if (!isOurs || live.has(name)) continue;
    await disk.remove(joinPath(directory, name));
    orphans.push(name);
  }
  return { state: { ...state, nextFileNumber }, orphans, lost };
}

/** The state without tables that are not there as they should be. @throws CorruptionError unless lenient. */
async function withoutLost(
  disk: Disk,
  directory: string,
  state: ManifestState,
  isLenient: boolean,
): Promise<Pick<Recovered, 'state' | 'lost'>> {
  const lost: { readonly error: CorruptionError; readonly table: DamagedSpan }[] = [];
  for (const meta of state.levels.flat()) {
    const error = await tableFault(disk, directory, meta);
    if (error === undefined) continue;
    if (!isLenient) throw error;
    await keepAside(disk, directory, meta.number);
    lost.push({ error, table: spanOf(meta) });
  }
  if (lost.length === 0) return { state, lost };
  const gone = new Set(lost.map(({ table }) => table.table));
  const levels = state.levels.map((level) => level.filter(({ number }) => !gone.has(number)));
  const damagedSpans = [...state.damagedSpans, ...lost.map(({ table }) => table)];
  return { state: { ...state, levels, damagedSpans }, lost };
}

async function tableFault(
  disk: Disk,
  directory: string,
  meta: { readonly number: number; readonly fileBytes: number },
): Promise<CorruptionError | undefined> {
  const path = joinPath(directory, tableFileName(meta.number));
  const size = await disk.size(path);
  if (size === undefined) return new CorruptionError('table', path, 0, 'missing, but the manifest has it');
  if (size !== meta.fileBytes) {
    return new CorruptionError(
      'table',
      path,
      Math.min(size, meta.fileBytes),
      `${size} bytes instead of ${meta.fileBytes}`,
    );
  }
  return undefined;
}

export function emptyState(treeId: number): ManifestState {
  return {
    treeId,
    nextFileNumber: 1,
    walSegmentFirst: 0,
    walOffsetFirst: 0,
    levels: Array.from({ length: LEVEL_COUNT }, () => []),
    marks: new Map(),
    rangeTombstones: [],
    damagedSpans: [],
    horizon: 0,
  };
}

/** Does the directory hold a tree? */
export async function treeExists(disk: Disk, directory: string): Promise<boolean> {
  try {
    return (await disk.size(joinPath(directory, MANIFEST_NAME))) !== undefined;
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return false;
    throw error;
  }
}
