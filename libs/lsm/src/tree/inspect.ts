import { type Disk, joinPath, type Kernels, pureKernels } from '@holdfast/io';
import { BlockCache } from '../cache/block-cache.ts';
import { CorruptionError } from '../errors.ts';
import { KIND_DELETE } from '../memtable/record.ts';
import type { BlockCodec } from '../table/codec.ts';
import { parseTableFileName, tableFileName, type TableInfo, type TableMeta } from '../table/table-info.ts';
import { TableReader } from '../table/table-reader.ts';
import { verifyTable } from '../table/verify-table.ts';
import { MANIFEST_NAME, readManifest } from '../version/manifest.ts';

export interface InspectWorld {
  readonly disk: Disk;
  readonly kernels?: Kernels;
  readonly codecs?: readonly BlockCodec[];
}

/** What is wrong with a directory. */
export interface Fault {
  readonly path: string;
  readonly detail: string;
}

export interface DirectoryReport {
  readonly tables: number;
  readonly entries: number;
  readonly bytes: number;
  /** Left over from a crash: harmless, removed when the tree is opened. */
  readonly orphans: readonly string[];
  /** Empty: every byte of every table is as it was written. */
  readonly faults: readonly Fault[];
}

/**
 * Checks a tree offline: the manifest, that its tables and those in the directory are the same, and every
 * checksum, the order and the figures of every table. The WAL is checked by opening the tree.
 *
 * @throws DiskError. Damage is reported, not thrown.
 */
export async function verifyDirectory(world: InspectWorld, directory: string): Promise<DirectoryReport> {
  const { disk, kernels = pureKernels } = world;
  const faults: Fault[] = [];
  const report = { tables: 0, entries: 0, bytes: 0 };
  const names = await disk.list(directory);
  let levels: readonly (readonly TableMeta[])[] | undefined;
  try {
    const state = await readManifest(disk, directory, kernels);
    if (state === undefined) faults.push({ path: directory, detail: 'no manifest: not a tree' });
    levels = state?.levels;
    for (const { table } of state?.damagedSpans ?? []) {
      const detail = `${tableFileName(table)} was damaged and taken out: its keys cannot be read until replaced`;
      faults.push({ path: joinPath(directory, MANIFEST_NAME), detail });
    }
  } catch (error) {
    faults.push(faultOf(error));
  }
  const live = new Set<string>();
  for (const meta of levels?.flat() ?? []) {
    const name = tableFileName(meta.number);
    const path = joinPath(directory, name);
    live.add(name);
    report.tables++;
    report.entries += meta.entries;
    report.bytes += meta.fileBytes;
    if (!names.includes(name)) {
      faults.push({ path, detail: 'missing, but the manifest has it' });
      continue;
    }
    try {
      await withTable(world, path, meta.binding, async (reader) => {
        await verifyTable(reader);
        const differs = differingField(reader.info, meta);
        if (differs !== undefined) faults.push({ path, detail: `${differs} is not what the manifest says` });
      });
    } catch (error) {
      faults.push(faultOf(error));
    }
  }
  // Without a manifest nobody knows which tables are left over: none is called so.
  const isLeftOver = (name: string): boolean => parseTableFileName(name) !== undefined && !live.has(name);
  const orphans = levels === undefined ? [] : names.filter(isLeftOver);
  return { ...report, orphans, faults };
}

export interface DumpedEntry {
  readonly key: Uint8Array;
  readonly revision: number;
  readonly kind: 'put' | 'delete';
  readonly value: Uint8Array;
}

/** Gives every entry of a table file to `visit`, in order, while verifying it. @throws CorruptionError, DiskError. */
export async function dumpTable(
  world: InspectWorld,
  path: string,
  visit: (entry: DumpedEntry) => void,
): Promise<TableInfo> {
  return withTable(world, path, undefined, async (reader) => {
    await verifyTable(reader, (entry) =>
      visit({
        key: entry.key.slice(entry.keyStart, entry.keyEnd),
        revision: entry.revision,
        kind: entry.kind === KIND_DELETE ? 'delete' : 'put',
        value: entry.value.slice(entry.valueStart, entry.valueEnd),
      }),
    );
    return reader.info;
  });
}

async function withTable<T>(
  { disk, kernels = pureKernels, codecs = [] }: InspectWorld,
  path: string,
  binding: number | undefined,
  use: (reader: TableReader) => Promise<T>,
): Promise<T> {
  const cache = new BlockCache(2 ** 16);
  const reader = await TableReader.open(path, binding, {
    disk,
    kernels,
    cache,
    codecs,
    syncReads: false,
    mmap: false,
  });
  try {
    return await use(reader);
  } finally {
    await reader.close();
  }
}

function differingField(a: TableInfo, b: TableInfo): string | undefined {
  const fields = [
    'binding',
    'fileBytes',
    'entries',
    'tombstones',
    'rawBytes',
    'revisionMin',
    'revisionMax',
  ] as const;
  return fields.find((field) => a[field] !== b[field]);
}

function faultOf(error: unknown): Fault {
  if (!(error instanceof CorruptionError)) throw error;
  return { path: error.path, detail: `byte ${error.offset}: ${error.detail}` };
}
