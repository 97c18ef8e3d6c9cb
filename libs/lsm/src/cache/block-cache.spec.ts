import { Prng, randomInteger } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { BlockCache, NOT_CACHED } from './block-cache.ts';

const BLOCK_BYTES = 1_024;

function tableOf(blocks: number) {
  return { slots: new Int32Array(blocks).fill(NOT_CACHED) };
}

function contentOf(block: number): Uint8Array {
  return new Uint8Array(BLOCK_BYTES).fill(block % 251);
}

/** A read through the cache; true for a hit. */
function read(cache: BlockCache, table: ReturnType<typeof tableOf>, block: number): boolean {
  const frame = table.slots[block]!;
  if (frame < 0) {
    cache.put(table, block, contentOf(block), 0, BLOCK_BYTES);
    return false;
  }
  cache.touch(frame);
  expect(cache.buffer(frame)[5]).toBe(block % 251);
  expect(cache.length(frame)).toBe(BLOCK_BYTES);
  return true;
}

describe('BlockCache', () => {
  it('stays within its bytes and never mixes blocks up', () => {
    const cache = new BlockCache(32 * BLOCK_BYTES);
    const table = tableOf(200);
    const random = new Prng(3);
    for (let i = 0; i < 20_000; i++) {
      read(cache, table, Math.floor(randomInteger(random, 0, 199) * (randomInteger(random, 0, 10) / 10)));
      expect(cache.stats.bytes).toBeLessThanOrEqual(32 * BLOCK_BYTES);
    }
    expect(cache.stats.hits).toBeGreaterThan(5_000);
  });

  it('keeps the hot blocks through a scan', () => {
    const cache = new BlockCache(64 * BLOCK_BYTES);
    const table = tableOf(2_000);
    for (let round = 0; round < 10; round++)
      for (let block = 0; block < 40; block++) read(cache, table, block);
    for (let block = 100; block < 2_000; block++) read(cache, table, block);
    let hits = 0;
    for (let block = 0; block < 40; block++) if (read(cache, table, block)) hits++;
    expect(hits).toBeGreaterThan(35);
  });

  it('does not evict what is pinned, and says so when everything is', () => {
    const cache = new BlockCache(8 * BLOCK_BYTES);
    const table = tableOf(100);
    const frames: number[] = [];
    for (let block = 0; block < 8; block++) {
      const frame = cache.put(table, block, contentOf(block), 0, BLOCK_BYTES);
      cache.pin(frame);
      frames.push(frame);
    }
    expect(cache.put(table, 50, contentOf(50), 0, BLOCK_BYTES)).toBe(-1);
    cache.unpin(frames[3]!);
    expect(cache.put(table, 51, contentOf(51), 0, BLOCK_BYTES)).toBe(frames[3]);
    expect(table.slots[3]).toBeLessThan(0);
  });

  it('forgets the blocks of a closed table and uses their memory again', () => {
    const cache = new BlockCache(8 * BLOCK_BYTES);
    const first = tableOf(8);
    const second = tableOf(8);
    for (let block = 0; block < 8; block++) read(cache, first, block);
    cache.drop(first);
    expect([...first.slots]).toEqual(Array(8).fill(NOT_CACHED));
    for (let block = 0; block < 8; block++) read(cache, second, block);
    for (let block = 0; block < 8; block++) expect(read(cache, second, block)).toBe(true);
  });
});
