import { readFileSync, writeFileSync } from 'node:fs';
import { equalBytes, pureKernels, readWholeFile, utf8 } from '@holdfast/io';
import { CorruptionError, type DumpedEntry, dumpTable, Tree, WriteBatch } from '@holdfast/lsm';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { nodeCodecs } from './codecs.ts';

const ENTRIES = 200;
const COMPRESSION_BYTE: Readonly<Record<string, number>> = { lz4: 1, zstd: 2 };
const keyAt = (i: number): Uint8Array => utf8(`key-${String(i).padStart(4, '0')}`);
const valueAt = (i: number): Uint8Array => utf8(`value ${i}, `.repeat(i % 12));

/** A table as a tree writes it that compresses with the codec. */
async function tableWith(compression: 'lz4' | 'zstd'): Promise<Uint8Array> {
  const disk = new SimDisk({ seed: 1 });
  const options = { compression: [compression], codecs: nodeCodecs, blockBytes: 1_024, treeId: 5 };
  const tree = await Tree.open({ disk, directory: '/t', options });
  const batch = new WriteBatch();
  for (let i = 0; i < ENTRIES; i++) {
    if (i % 10 === 9) batch.delete(keyAt(i), i + 1);
    else batch.put(keyAt(i), i + 1, valueAt(i));
  }
  tree.apply(batch);
  const { tables } = await tree.exportRange('/out');
  await tree.close();
  return readWholeFile(disk, tables[0]!.path);
}

async function diskWith(bytes: Uint8Array): Promise<SimDisk> {
  const disk = new SimDisk({ seed: 2 });
  const file = await disk.open('/golden.sst', 'exclusive');
  await file.write([bytes], 0, true);
  await file.close();
  return disk;
}

/**
 * Tables that were written once, with the codecs that nodes have. New releases of a compressor may write other bytes:
 * what has to stay is that these can be read.
 */
describe.each(nodeCodecs.map(({ name }) => name))('a table of format version 2 with %s', (name) => {
  const golden = new URL(`../testdata/table-v2-${name}.sst`, import.meta.url);

  it('is read by the codecs of today', async () => {
    if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(golden, await tableWith(name));
    const bytes = readFileSync(golden);
    const disk = await diskWith(bytes);
    const entries: DumpedEntry[] = [];
    const world = { disk, kernels: pureKernels, codecs: nodeCodecs };
    const info = await dumpTable(world, '/golden.sst', (entry) => entries.push(entry));
    expect(info).toMatchObject({ entries: ENTRIES, tombstones: ENTRIES / 10, revisionMax: ENTRIES });
    for (const [i, { key, revision, kind, value }] of entries.entries()) {
      expect(equalBytes(key, keyAt(i))).toBe(true);
      expect([revision, kind]).toEqual([i + 1, i % 10 === 9 ? 'delete' : 'put']);
      expect(equalBytes(value, kind === 'delete' ? new Uint8Array(0) : valueAt(i))).toBe(true);
    }
    // It is compressed, and by nothing else.
    expect(bytes.length).toBeLessThan(info.rawBytes / 2);
    const others = { ...world, codecs: nodeCodecs.filter((codec) => codec.name !== name) };
    const refusal = `no codec for compression ${COMPRESSION_BYTE[name]}`;
    const read = dumpTable(others, '/golden.sst', () => undefined);
    await expect(read).rejects.toThrow(CorruptionError);
    await expect(read).rejects.toThrow(refusal);
  });

  it('is what a tree of today writes, once it is unpacked', async () => {
    const disk = await diskWith(await tableWith(name));
    let entries = 0;
    const info = await dumpTable(
      { disk, kernels: pureKernels, codecs: nodeCodecs },
      '/golden.sst',
      () => entries++,
    );
    expect(entries).toBe(ENTRIES);
    const old = await diskWith(readFileSync(golden));
    const before = await dumpTable(
      { disk: old, kernels: pureKernels, codecs: nodeCodecs },
      '/golden.sst',
      () => undefined,
    );
    expect({ ...info, fileBytes: 0 }).toEqual({ ...before, fileBytes: 0 });
  });
});
