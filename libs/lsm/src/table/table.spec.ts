import { readFileSync, writeFileSync } from 'node:fs';
import { equalBytes, Prng, pureKernels, randomInteger, utf8 } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { BlockCache } from '../cache/block-cache.ts';
import { CorruptionError } from '../errors.ts';
import { Arena } from '../memtable/arena.ts';
import { Memtable } from '../memtable/memtable.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import { ENTRY } from '../read/source.ts';
import { addToBloom, bloomMayHold, hashKey, newBloom } from './bloom.ts';
import type { BlockCodec } from './codec.ts';
import { TableIndex } from './table-index.ts';
import { decodeProperties, FOOTER_BYTES } from './table-format.ts';
import { TableReader } from './table-reader.ts';
import { TableWriter } from './table-writer.ts';
import { verifyTable } from './verify-table.ts';

/** Run lengths under the id of lz4: enough to see blocks get smaller and come back. Real ones: `lsm-node`. */
const codec: BlockCodec = {
  name: 'lz4',
  compress(input, bytesMax) {
    const out: number[] = [];
    for (let i = 0; i < input.length;) {
      let run = 1;
      while (run < 255 && input[i + run] === input[i]) run++;
      out.push(run, input[i]!);
      i += run;
    }
    return out.length <= bytesMax ? Uint8Array.from(out) : undefined;
  },
  decompress(input, output) {
    let at = 0;
    for (let i = 0; i + 1 < input.length; i += 2) {
      output.fill(input[i + 1]!, at, at + input[i]!);
      at += input[i]!;
    }
    return at === output.length;
  },
};

async function makeTable(
  disk: SimDisk,
  path: string,
  entries: number,
  own: BlockCodec | undefined,
): Promise<void> {
  const memtable = new Memtable(new Arena(1 << 20));
  const batch = new WriteBatch();
  for (let i = 0; i < entries; i++) {
    if (i % 10 === 9) batch.delete(utf8(`key-${String(i).padStart(4, '0')}`), i + 1);
    else batch.put(utf8(`key-${String(i).padStart(4, '0')}`), i + 1, utf8('v'.repeat(i % 40)));
  }
  memtable.apply(batch, new Map());
  const file = await disk.open(path, 'exclusive');
  const options = { blockBytes: 512, restartInterval: 8, bloomBitsPerKey: 10, codec: own };
  const writer = new TableWriter(file, 77, options, pureKernels);
  const cursor = new MemtableCursor(memtable, Number.MAX_SAFE_INTEGER);
  for (let here = cursor.seekFirst() === ENTRY; here; here = cursor.next() === ENTRY) writer.add(cursor);
  await writer.finish();
  await file.close();
}

function contextOf(disk: SimDisk) {
  const cache = new BlockCache(1 << 16);
  return { disk, kernels: pureKernels, cache, codecs: [codec], syncReads: false, mmap: false };
}

describe('a table file', () => {
  for (const own of [undefined, codec]) {
    it(`gives back what was written, compression ${own?.name ?? 'none'}`, async () => {
      const disk = new SimDisk({ seed: 1 });
      await makeTable(disk, '/t.sst', 500, own);
      const reader = await TableReader.open('/t.sst', 77, contextOf(disk));
      const rows: string[] = [];
      await verifyTable(reader, ({ key, keyStart, keyEnd, revision, kind, valueStart, valueEnd }) => {
        rows.push(
          `${new TextDecoder().decode(key.subarray(keyStart, keyEnd))} ${revision} ${kind} ${valueEnd - valueStart}`,
        );
      });
      expect(rows).toHaveLength(500);
      expect(rows[9]).toBe('key-0009 10 0 0');
      expect(rows[8]).toBe('key-0008 9 1 8');
      expect(reader.info).toMatchObject({
        binding: 77,
        entries: 500,
        tombstones: 50,
        revisionMin: 1,
        revisionMax: 500,
      });
      await reader.close();
    });

    it(`has the bytes of format version 2, compression ${own?.name ?? 'none'}`, async () => {
      const disk = new SimDisk({ seed: 1 });
      await makeTable(disk, '/t.sst', 60, own);
      const file = await disk.open('/t.sst', 'never');
      const bytes = new Uint8Array(file.size);
      await file.read(bytes, 0);
      await file.close();
      const golden = new URL(
        `../../testdata/table-v2-${own === undefined ? 'none' : 'run-lengths'}.sst`,
        import.meta.url,
      );
      if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(golden, bytes);
      expect(equalBytes(bytes, readFileSync(golden))).toBe(true);
    });
  }

  it('is refused under another binding', async () => {
    const disk = new SimDisk({ seed: 1 });
    await makeTable(disk, '/t.sst', 50, undefined);
    await expect(TableReader.open('/t.sst', 78, contextOf(disk))).rejects.toThrow(CorruptionError);
    expect(disk.openFiles).toBe(0);
  });

  it('never passes with a wrong byte anywhere', async () => {
    const disk = new SimDisk({ seed: 1 });
    await makeTable(disk, '/t.sst', 60, codec);
    const { inode } = [...disk.files()][0]!;
    for (let offset = 0; offset < inode.size; offset++) {
      inode.flipBit(offset, offset % 8);
      const attempt = async (): Promise<void> => {
        const reader = await TableReader.open('/t.sst', 77, contextOf(disk));
        try {
          await verifyTable(reader);
        } finally {
          await reader.close();
        }
      };
      await expect(attempt(), `byte ${offset}`).rejects.toThrow(CorruptionError);
      inode.flipBit(offset, offset % 8);
    }
  });

  it('notices a block that lies where another one belongs', async () => {
    const disk = new SimDisk({ seed: 1 });
    await makeTable(disk, '/t.sst', 500, undefined);
    const reader = await TableReader.open('/t.sst', 77, contextOf(disk));
    const { index } = reader;
    const lengths = Array.from({ length: index.blocks }, (_, block) => index.blockLength(block));
    const to = lengths.findIndex((length, block) => lengths.indexOf(length) !== block);
    const from = lengths.indexOf(lengths[to]!);
    expect(to).toBeGreaterThan(from);
    const file = await disk.open('/t.sst', 'never');
    const stored = new Uint8Array(lengths[from]! + 5);
    await file.read(stored, index.blockOffset(from));
    await file.write([stored], index.blockOffset(to), true);
    await file.close();
    await expect(verifyTable(reader)).rejects.toThrow(`byte ${index.blockOffset(to)}`);
    await reader.close();
  });

  it('never passes when it is cut off', async () => {
    const disk = new SimDisk({ seed: 1 });
    await makeTable(disk, '/t.sst', 30, undefined);
    const file = await disk.open('/t.sst', 'never');
    for (let size = file.size - 1; size >= 0; size -= 37) {
      await file.truncate(size);
      await expect(TableReader.open('/t.sst', 77, contextOf(disk)), `${size} bytes`).rejects.toThrow(
        CorruptionError,
      );
    }
    expect(FOOTER_BYTES).toBe(64);
    await file.close();
  });
});

describe('decoders of a table', () => {
  it('refuse random bytes without throwing', () => {
    const random = new Prng(5);
    const batch = new WriteBatch();
    for (let i = 0; i < 20_000; i++) {
      const bytes = Uint8Array.from({ length: randomInteger(random, 0, 80) }, () =>
        randomInteger(random, 0, 3) === 0 ? randomInteger(random, 0, 255) : randomInteger(random, 0, 3),
      );
      TableIndex.decode(bytes, randomInteger(random, 0, 100));
      decodeProperties(bytes, bytes.length);
      batch.decode(bytes);
    }
  });
});

describe('the bloom filter', () => {
  it('knows every key, and about one in a hundred strangers at 10 bits a key', () => {
    const count = 20_000;
    const hash = (name: string): number => {
      const key = utf8(name);
      return hashKey(key, 0, key.length);
    };
    const hashes = Uint32Array.from({ length: count }, (_, i) => hash(`key ${i}`));
    const filter = newBloom(count, 10);
    addToBloom(filter, hashes, 0, count);
    for (const known of hashes) expect(bloomMayHold(filter, 0, filter.length, known)).toBe(true);
    let wrong = 0;
    for (let i = 0; i < count; i++)
      if (bloomMayHold(filter, 0, filter.length, hash(`stranger ${i}`))) wrong++;
    expect(wrong / count).toBeLessThan(0.015);
    expect(wrong / count).toBeGreaterThan(0.002);
  });
});
