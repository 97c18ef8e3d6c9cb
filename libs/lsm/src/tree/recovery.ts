import { type Disk, DiskError, joinPath, type Kernels } from '@holdfast/io';
import { CorruptionError } from '../errors.ts';
import { LEVEL_COUNT } from '../limits.ts';
import { parseTableFileName, tableFileName } from '../table/table-info.ts';
import { MANIFEST_NAME, type ManifestState, readManifest, writeManifest } from '../version/manifest.ts';

/** What opening a directory found. */
export interface Recovered {
  readonly state: ManifestState;
  /** Names of files that nothing refers to; they were removed. */
  readonly orphans: readonly string[];
}

/**
 * Reads the manifest of a directory (makes it when the directory is new), checks that its tables are there
 * with the size they should have, and removes files left over by a crash.
 *
 * @throws CorruptionError: damaged manifest, missing or cut table, tables without a manifest; DiskError.
 */
export async function recoverDirectory(
  disk: Disk,
  directory: string,
  kernels: Kernels,
  treeId: number,
): Promise<Recovered> {
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
  const state = found ?? emptyState(treeId);
  const live = new Set([MANIFEST_NAME]);
  for (const meta of state.levels.flat()) live.add(await checkTable(disk, directory, meta));
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
  return { state: { ...state, nextFileNumber }, orphans };
}

/** Returns the file's name. */
async function checkTable(
  disk: Disk,
  directory: string,
  meta: { readonly number: number; readonly fileBytes: number },
): Promise<string> {
  const name = tableFileName(meta.number);
  const path = joinPath(directory, name);
  const size = await disk.size(path);
  if (size === undefined) throw new CorruptionError('table', path, 0, 'missing, but the manifest has it');
  if (size !== meta.fileBytes) {
    throw new CorruptionError(
      'table',
      path,
      Math.min(size, meta.fileBytes),
      `${size} bytes instead of ${meta.fileBytes}`,
    );
  }
  return name;
}

export function emptyState(treeId: number): ManifestState {
  return {
    treeId,
    nextFileNumber: 1,
    walSegmentFirst: 0,
    levels: Array.from({ length: LEVEL_COUNT }, () => []),
    marks: new Map(),
    rangeTombstones: [],
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
