import { joinPath } from '@holdfast/io';
import type { CorruptionError } from '../errors.ts';
import { type ReaderContext, TableReader } from '../table/table-reader.ts';
import { tableFileName, type TableMeta } from '../table/table-info.ts';

/** A table of a tree: shared by every version that has it. */
export class Table {
  readonly meta: TableMeta;
  /** Versions that hold it. */
  versions = 0;
  /** Cursors that stand in it: its reader stays open. */
  pins = 0;
  reader: TableReader | undefined;
  opening: Promise<TableReader> | undefined;
  /** Order of last use among open tables. */
  usedAt = 0;
  /** A compaction is reading it, or has found it damaged. */
  isCompacting = false;
  /** What is wrong with it, once somebody has met it. */
  damage: CorruptionError | undefined;

  constructor(meta: TableMeta) {
    this.meta = meta;
  }
}

/** How much may be open, unless more is pinned. */
export interface OpenTablesLimits {
  readonly tables: number;
  /** Bytes of indexes and filters in memory. */
  readonly bytes: number;
}

/** Keeps readers of tables open, within limits. */
export class TableCache {
  readonly #context: ReaderContext;
  readonly #directory: string;
  readonly #limits: OpenTablesLimits;
  readonly #open = new Set<Table>();
  #uses = 0;
  #bytes = 0;

  constructor(directory: string, context: ReaderContext, limits: OpenTablesLimits) {
    this.#directory = directory;
    this.#context = context;
    this.#limits = limits;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Bytes of indexes and filters in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The reader if it is open. */
  reader(table: Table): TableReader | undefined {
    table.usedAt = ++this.#uses;
    return table.reader;
  }

  /** @throws CorruptionError, DiskError. */
  async open(table: Table): Promise<TableReader> {
    if (table.reader !== undefined) return table.reader;
    table.opening ??= this.#openNow(table).finally(() => (table.opening = undefined));
    return table.opening;
  }

  /** Closes the reader of a table that nobody reads any more. */
  async close(table: Table): Promise<void> {
    // An open under way would register its reader afterwards.
    await table.opening?.catch(() => undefined);
    const { reader } = table;
    table.reader = undefined;
    if (this.#open.delete(table)) this.#bytes -= reader?.bytes ?? 0;
    await reader?.close();
  }

  async closeAll(): Promise<void> {
    // Closing takes a table out of the set, which iteration allows.
    for (const table of this.#open) await this.close(table);
  }

  async #openNow(table: Table): Promise<TableReader> {
    const path = joinPath(this.#directory, tableFileName(table.meta.number));
    const reader = await TableReader.open(path, table.meta.binding, this.#context);
    table.reader = reader;
    table.usedAt = ++this.#uses;
    this.#open.add(table);
    this.#bytes += reader.bytes;
    while (this.#open.size > this.#limits.tables || this.#bytes > this.#limits.bytes) {
      if (!(await this.#closeLeastRecent(table))) break;
    }
    return reader;
  }

  /** False when all others are in use. */
  async #closeLeastRecent(except: Table): Promise<boolean> {
    let oldest: Table | undefined;
    for (const table of this.#open) {
      if (table === except || table.pins > 0) continue;
      if (oldest === undefined || table.usedAt < oldest.usedAt) oldest = table;
    }
    if (oldest === undefined) return false;
    await this.close(oldest);
    return true;
  }
}
