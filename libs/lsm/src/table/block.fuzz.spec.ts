import { type DiskFile, pureKernels, utf8 } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { BlockCache } from '../cache/block-cache.ts';
import { CorruptionError } from '../errors.ts';
import { Found } from '../memtable/memtable.ts';
import { Source } from '../read/source.ts';
import { isBlock } from './block-check.ts';
import { BlockChecksum, writeU32 } from './block-checksum.ts';
import { BlockCursor } from './block-cursor.ts';
import { findInBlock, PRESENT } from './block-search.ts';
import { BlockWriter } from './block-writer.ts';
import { TableReader } from './table-reader.ts';
import { TableWriter } from './table-writer.ts';
import { verifyTable } from './verify-table.ts';

/**
 * Blocks with wrong contents behind a right checksum: what a bug, or memory that failed before the checksum was made,
 * leaves behind. Nothing but `isBlock` stands between them and code that follows every length that it finds.
 */
const RUNS = { numRuns: 5_000 };
const BINDING = 7;
/** Around the block, so that whoever reads out of it meets something. */
const MARGIN_BYTES = 40;

class Here extends Source {
  readonly cursor: BlockCursor = new BlockCursor(this);
  override seek = unused;
  override seekBefore = unused;
  override seekFirst = unused;
  override seekLast = unused;
  override next = unused;
  override previous = unused;
  override load = unused;
  override resume = unused;
  override close(): void {}
}

function unused(): never {
  throw new Error('a block is walked by its cursor');
}

/** Keys that share bytes, versions, tombstones, and one key and value that need varints of two bytes. */
function rightBlock(): Uint8Array {
  const writer = new BlockWriter(new Uint8Array(4_096), 4);
  writer.begin();
  const long = utf8(`key-3${'x'.repeat(200)}`);
  const add = (key: Uint8Array, revision: number, kind: number, value: Uint8Array): void =>
    writer.add(key, 0, key.length, revision, kind, value, 0, value.length);
  for (let i = 0; i < 3; i++) add(utf8(`key-${i}`), 2 ** 40, 1, utf8('value'));
  for (let revision = 9; revision > 3; revision--) add(utf8('key-3'), revision, revision & 1, utf8('v'));
  add(long, 5, 1, utf8('y'.repeat(300)));
  for (let i = 4; i < 9; i++) add(utf8(`key-${i}`), i, 0, new Uint8Array(0));
  const { start } = writer.finish();
  return writer.bytes.slice(start, writer.length);
}

const right = rightBlock();

/** Mostly bytes that a varint or a count is made of: small ones, large ones, and the high bit. */
const aByte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
const aRun = fc.tuple(fc.nat(right.length - 1), fc.array(aByte, { minLength: 1, maxLength: 6 }));
/** The right block with some bytes replaced, maybe bytes taken out or put in, or anything at all. */
const aBlock = fc
  .oneof(
    {
      weight: 9,
      arbitrary: fc.tuple(fc.array(aRun, { minLength: 1, maxLength: 3 }), fc.constantFrom(0, 0, -1, 1, 7)),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 120 }) },
  )
  .map((change) => {
    if (change instanceof Uint8Array) return change;
    const [runs, shift] = change;
    const bytes = new Uint8Array(right.length + Math.max(0, shift));
    bytes.set(right, Math.max(0, shift));
    for (const [at, run] of runs) bytes.set(run.slice(0, right.length - at), at);
    return shift < 0 ? bytes.subarray(-shift) : bytes;
  });
const aKey = fc.oneof(
  fc.constantFrom('key-0', 'key-3', 'key-8', 'key', 'zzz', '').map(utf8),
  fc.uint8Array({ maxLength: 12 }),
);

function surrounded(block: Uint8Array): {
  readonly data: Uint8Array;
  readonly start: number;
  readonly end: number;
} {
  const data = new Uint8Array(block.length + 2 * MARGIN_BYTES).fill(0xff);
  data.set(block, MARGIN_BYTES);
  return { data, start: MARGIN_BYTES, end: MARGIN_BYTES + block.length };
}

describe('a block that was not written by the writer', () => {
  it('is refused, or every walk and search of it ends and stays inside', () => {
    expect(isBlock(right, 0, right.length)).toBe(true);
    let accepted = 0;
    fc.assert(
      fc.property(aBlock, aKey, fc.integer({ min: 0, max: 12 }), (block, key, revision) => {
        const { data, start, end } = surrounded(block);
        if (!isBlock(data, start, end)) return;
        accepted++;
        const here = new Here();
        const stands = (): void => {
          expect(here.keyEnd - here.keyStart).toBeGreaterThan(0);
          expect(here.keyEnd).toBeLessThanOrEqual(here.key.length);
          expect(here.valueStart).toBeGreaterThanOrEqual(start);
          expect(here.valueEnd).toBeGreaterThanOrEqual(here.valueStart);
          expect(here.valueEnd).toBeLessThan(end);
        };
        // An entry has ten bytes at least.
        const entriesMax = block.length / 10;
        const { cursor } = here;
        cursor.open(data, start, end);
        const walk = (isHere: boolean, step: () => boolean): number => {
          let entries = 0;
          for (let on = isHere; on; on = step()) {
            stands();
            expect(++entries).toBeLessThanOrEqual(entriesMax);
          }
          return entries;
        };
        const forwards = walk(cursor.seekFirst(), () => cursor.next());
        expect(walk(cursor.seekLast(), () => cursor.previous())).toBe(forwards);
        walk(cursor.seek(key, revision), () => cursor.next());
        walk(cursor.seekBefore(key, revision), () => cursor.previous());
        const found = new Found();
        if (findInBlock(data, start, end, key, revision, 0, found) !== PRESENT) return;
        expect(found.valueStart).toBeGreaterThanOrEqual(start);
        expect(found.valueEnd).toBeLessThan(end);
      }),
      RUNS,
    );
    // Wrong bytes of a key or a value are a block still: the walks above have seen such.
    expect(accepted).toBeGreaterThan(RUNS.numRuns / 100);
  });

  it('is refused where the lengths of an entry count down, which no walk would survive', () => {
    // Three varints of five bytes: shared 0, unshared -24 as 32 bits, no value. From there back to the same entry.
    const entry = [0x00, 0xe8, 0xff, 0xff, 0xff, 0x0f, 0x00, 0, 0, 0, 0, 0, 0, 0];
    const tail = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
    const block = Uint8Array.from([...entry, ...tail]);
    expect(isBlock(block, 0, block.length)).toBe(false);
  });
});

describe('a table that holds one', () => {
  let disk: SimDisk;
  let file: DiskFile;
  const checksum = new BlockChecksum(pureKernels, BINDING);

  beforeAll(async () => {
    disk = new SimDisk({ seed: 1 });
    file = await disk.open('/t.sst', 'exclusive');
    const options = { blockBytes: 200, restartInterval: 4, bloomBitsPerKey: 10, codec: undefined };
    const writer = new TableWriter(file, BINDING, options, pureKernels);
    const here = new Here();
    for (let i = 0; i < 40; i++) {
      here.key = utf8(`key-${String(i).padStart(2, '0')}`);
      here.keyEnd = here.key.length;
      here.revision = i;
      here.kind = 1;
      here.value = utf8(`value of ${i}`);
      here.valueEnd = here.value.length;
      writer.add(here);
    }
    await writer.finish();
  });

  it('says so with a typed error or answers, whoever reads', async () => {
    const cache = new BlockCache(1 << 16);
    const context = { disk, kernels: pureKernels, cache, codecs: [], syncReads: true, mmap: false };
    const whole = new Uint8Array(file.size);
    await file.read(whole, 0);
    const first = await TableReader.open('/t.sst', BINDING, context);
    const { index } = first;
    const places = Array.from({ length: index.blocks }, (_, i) => [
      index.blockOffset(i),
      index.blockLength(i),
    ]);
    await first.close();
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(places.length - 1),
        fc.array(fc.tuple(fc.nat(10_000), aByte), { minLength: 1, maxLength: 4 }),
        async (block, changes) => {
          const [offset = 0, length = 0] = places[block]!;
          const bytes = whole.slice(offset, offset + length + 5);
          for (const [at, value] of changes) bytes[at % length] = value;
          writeU32(bytes, length + 1, checksum.of(bytes, 0, length + 1, offset));
          await file.write([bytes], offset, false);
          const reader = await TableReader.open('/t.sst', BINDING, context);
          try {
            reader.access(block);
            await verifyTable(reader);
          } catch (error) {
            expect(error).toBeInstanceOf(CorruptionError);
            refused++;
          } finally {
            await reader.close();
            await file.write([whole.subarray(offset, offset + length + 5)], offset, false);
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(100);
  });
});
