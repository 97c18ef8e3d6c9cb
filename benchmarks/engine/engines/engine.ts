import type { TreeOptions } from '@holdfast/lsm';

/** How writes are made. */
export interface WriteShape {
  /** Operations of one atomic batch; 1: single writes. */
  readonly batch: number;
  /** Writes that wait for their answer at the same time. */
  readonly inFlight: number;
  /** Answer when durable. */
  readonly sync: boolean;
  /** Called between batches when the caller wants the event loop back. */
  readonly pause?: () => Promise<void>;
}

export interface EngineOptions {
  /** For our tree. */
  readonly tree: TreeOptions;
  /** Bytes of blocks that an engine with a cache of its own may keep. */
  readonly cacheBytes: number;
  readonly valueBytes: number;
  /** Do without durability where that is a property of the whole database (lmdb). */
  readonly sync: boolean;
}

/**
 * A storage engine under test. The loops are inside, so that each engine is driven in its own best way and
 * nothing but its own calls is between two operations. Entries are named by number (see `keys.ts`); what reads
 * return is how many entries they met, and every value met is touched.
 */
export interface Engine {
  open(directory: string, options: EngineOptions): Promise<void>;
  close(): Promise<void>;
  put(numbers: Uint32Array, shape: WriteShape): Promise<void>;
  delete(numbers: Uint32Array, shape: WriteShape): Promise<void>;
  /** One after the other, without waiting for a promise where the engine can. */
  get(numbers: Uint32Array): number | Promise<number>;
  /** Through promises, so many at a time. */
  getAwaited(numbers: Uint32Array, inFlight: number): Promise<number>;
  getMany(numbers: Uint32Array, batch: number): Promise<number>;
  /** From each of these entries on, so many in order. */
  ranges(starts: Uint32Array, length: number): Promise<number>;
  scan(reverse: boolean): Promise<number>;
  /** A read and a write in turn: unsynced, written one by one. */
  mixed(numbers: Uint32Array, inFlight: number): Promise<number>;
  /** Waits for, or does, the work that writing has left behind, until reads are at their best. */
  settle(): Promise<void>;
  /** Figures that only this engine has. */
  facts(): Readonly<Record<string, number>>;
}

/** Where the touched bytes go, so that no read is optimized away. */
export const sink: { sum: number } = { sum: 0 };
