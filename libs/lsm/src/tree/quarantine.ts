import { type Disk, DiskError, joinPath } from '@holdfast/io';
import type { CorruptionError } from '../errors.ts';
import { parseTableFileName, tableFileName } from '../table/table-info.ts';
import { type DamagedSpan, spanOf } from '../version/damaged-spans.ts';
import type { VersionSet } from '../version/version-set.ts';
import type { Version } from '../version/version.ts';

/** Marks the table that an error is about, and says which it is. Undefined when it is about something else. */
export function noteDamage(version: Version, error: CorruptionError): DamagedSpan | undefined {
  const number = parseTableFileName(error.path.slice(error.path.lastIndexOf('/') + 1));
  if (error.kind !== 'table' || number === undefined) return undefined;
  for (const table of version.tables()) {
    if (table.meta.number !== number) continue;
    table.damage ??= error;
    return spanOf(table.meta);
  }
  return undefined;
}

/** Takes a table out of the version and its span into the list of damaged ones. The file is kept under another name. */
export async function takeOut(
  disk: Disk,
  directory: string,
  versions: VersionSet,
  number: number,
  onInstalled: () => void,
): Promise<void> {
  const table = versions.table(number);
  if (table === undefined) return;
  await keepAside(disk, directory, number);
  const damagedSpans = [...versions.current.damagedSpans, spanOf(table.meta)];
  await versions.install({ removed: [number], damagedSpans }, onInstalled);
}

/** A second name for a damaged file, which the tree never touches: for whoever wants to look at it. */
export async function keepAside(disk: Disk, directory: string, number: number): Promise<void> {
  const path = joinPath(directory, tableFileName(number));
  try {
    await disk.link(path, `${path}.damaged`);
  } catch (error) {
    // It is not there to be kept, or has been kept before.
    if (!(error instanceof DiskError) || (error.code !== 'ENOENT' && error.code !== 'EEXIST')) throw error;
  }
}
