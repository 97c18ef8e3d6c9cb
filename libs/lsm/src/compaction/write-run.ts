import { type Disk, joinPath, type Kernels } from '@holdfast/io';
import { REVISION_MAX } from '../limits.ts';
import { compareRanges } from '../read/compare.ts';
import type { Merge } from '../read/merge.ts';
import { BLOCKED, END, type Status } from '../read/source.ts';
import { tableFileName, type TableMeta } from '../table/table-info.ts';
import { type ChunkBuffers, type TableOptions, TableWriter } from '../table/table-writer.ts';
import type { EntryFilter } from './version-filter.ts';

/** Where a run is written and what its tables look like. */
export interface RunTarget {
  readonly disk: Disk;
  readonly kernels: Kernels;
  readonly directory: string;
  readonly table: TableOptions;
  /** A table is closed at the first new key behind this many bytes. */
  readonly fileBytesTarget: number;
  /** Hands out file numbers. */
  readonly nextNumber: () => number;
  /** The binding of the table with this number. */
  readonly bindingOf: (number: number) => number;
  /** Also closes the table in front of this key (the table before ends at `lastKey`). */
  readonly cutsBefore?: (key: Uint8Array, keyStart: number, keyEnd: number) => boolean;
  /** Called between chunks and tables with the bytes written since the last call; a returned promise is awaited. */
  readonly pace?: (bytes: number) => Promise<void> | undefined;
  /** Gives the event loop back, where a long stretch of input leads to no output. */
  readonly pause?: () => Promise<void> | undefined;
  /** Only keys in `[start, end)`. */
  readonly start?: Uint8Array | undefined;
  readonly end?: Uint8Array | undefined;
}

/** Entries read without a write after which the loop is given back: about 2 ms. */
const PAUSE_ENTRIES = 16_384;

export interface RunResult {
  readonly tables: readonly TableMeta[];
  readonly entriesRead: number;
  readonly entriesWritten: number;
}

/**
 * Writes what `filter` keeps of `merge` as a run of tables. All of them are durable when it returns, their
 * names are not (the caller syncs the directory). Gives the event loop back at every chunk.
 *
 * @throws DiskError, CorruptionError: files already made stay behind as orphans.
 */
export async function writeRun(merge: Merge, filter: EntryFilter, target: RunTarget): Promise<RunResult> {
  const tables: TableMeta[] = [];
  let entriesRead = 0;
  let entriesWritten = 0;
  const { start, end } = target;
  let status: Status = start === undefined ? merge.seekFirst() : merge.seek(start, REVISION_MAX);
  let open: OpenTable | undefined;
  let buffers: ChunkBuffers | undefined;
  let bytesPaced = 0;
  let lastPause = 0;
  try {
    for (;;) {
      if (status === BLOCKED) {
        await merge.load();
        status = merge.resume();
        continue;
      }
      if (status === END) break;
      const entry = merge.current;
      if (
        end !== undefined &&
        compareRanges(entry.key, entry.keyStart, entry.keyEnd, end, 0, end.length) >= 0
      )
        break;
      entriesRead++;
      if (filter.keeps(entry)) {
        if (open !== undefined && filter.isNewKey && isFull(open.writer, target, entry)) {
          const ended = open;
          open = undefined;
          const table = await endTable(ended);
          buffers = ended.writer.buffers;
          tables.push(table);
          await target.pace?.(table.fileBytes - bytesPaced);
          bytesPaced = 0;
        }
        open ??= await beginTable(target, buffers);
        open.writer.add(entry);
        entriesWritten++;
        if (open.writer.isChunkFull) {
          await open.writer.drain();
          const bytes = open.writer.fileBytes;
          await target.pace?.(bytes - bytesPaced);
          bytesPaced = bytes;
          lastPause = entriesRead;
        }
      }
      if (entriesRead - lastPause >= PAUSE_ENTRIES) {
        lastPause = entriesRead;
        await target.pause?.();
      }
      status = merge.next();
    }
    if (open !== undefined) {
      const ended = open;
      open = undefined;
      const table = await endTable(ended);
      tables.push(table);
      await target.pace?.(table.fileBytes - bytesPaced);
    }
  } finally {
    await open?.file.close();
  }
  return { tables, entriesRead, entriesWritten };
}

interface OpenTable {
  readonly number: number;
  readonly file: { close(): Promise<void> };
  readonly writer: TableWriter;
}

async function beginTable(target: RunTarget, buffers: ChunkBuffers | undefined): Promise<OpenTable> {
  const number = target.nextNumber();
  const path = joinPath(target.directory, tableFileName(number));
  const file = await target.disk.open(path, 'exclusive');
  return {
    number,
    file,
    writer: new TableWriter(file, target.bindingOf(number), target.table, target.kernels, buffers),
  };
}

async function endTable({ number, file, writer }: OpenTable): Promise<TableMeta> {
  try {
    return { ...(await writer.finish()), number };
  } finally {
    await file.close();
  }
}

function isFull(
  writer: TableWriter,
  target: RunTarget,
  entry: { readonly key: Uint8Array; readonly keyStart: number; readonly keyEnd: number },
): boolean {
  if (writer.fileBytes >= target.fileBytesTarget) return true;
  return target.cutsBefore?.(entry.key, entry.keyStart, entry.keyEnd) ?? false;
}
