import { assert } from '@holdfast/io';
import type { TreeOptions } from './options.ts';

/** Smallest budget that {@link optionsForMemory} divides: below, buffers of fixed size outweigh it. */
export const MEMORY_BUDGET_BYTES_MIN: number = 16 * 2 ** 20;

/**
 * Options of a tree that holds at most about `bytes` of memory however much it stores, everything counted: memtables
 * (the one that fills and those that wait), cached blocks, indexes and filters of
 * open tables, and what one flush and one compaction need. The pages of mapped files belong to the kernel, which
 * takes them back when it needs them, but they count as resident; so tables are not mapped.
 */
export function optionsForMemory(bytes: number): TreeOptions {
  assert(bytes >= MEMORY_BUDGET_BYTES_MIN, 'a memory budget is at least MEMORY_BUDGET_BYTES_MIN');
  const part = Math.floor(bytes / 32);
  return {
    // One fills, one waits or is being written, one is spare; and what indexes them.
    memtableBytes: 2 * part,
    memtableQueueMax: 1,
    blockCacheBytes: 6 * part,
    tableMemoryBytes: 4 * part,
    mmap: false,
  };
}
