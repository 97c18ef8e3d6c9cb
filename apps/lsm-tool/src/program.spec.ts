import { utf8 } from '@holdfast/io';
import { Tree, WriteBatch } from '@holdfast/lsm';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { createProgram, EXIT_DAMAGED, exitCodeOf } from './program.ts';

async function treeOn(disk: SimDisk): Promise<Tree> {
  const tree = await Tree.open({ disk, directory: '/t', wal: true, options: { walSegmentBytes: 8_192 } });
  const batch = new WriteBatch();
  batch.put(utf8('apple'), 1, utf8('red\n'));
  batch.put(new Uint8Array([0, 255]), 2, utf8('x'));
  batch.delete(utf8('pear'), 3);
  await tree.write(batch, { sync: true });
  await tree.flush();
  return tree;
}

async function run(disk: SimDisk, ...args: readonly string[]): Promise<{ lines: string[]; code: number }> {
  const lines: string[] = [];
  let code = 0;
  const program = createProgram({
    world: { disk },
    print: (text) => lines.push(...text.split('\n')),
    exitWith: (given) => (code = given),
  });
  await program.parseAsync([...args], { from: 'user' });
  return { lines, code };
}

describe('holdfast-lsm', () => {
  it('verifies a tree', async () => {
    const disk = new SimDisk({ seed: 1 });
    await (await treeOn(disk)).close();
    const { lines, code } = await run(disk, 'verify', '/t');
    expect(code).toBe(0);
    expect(lines[0]).toMatch(/^1 tables, 3 entries, \d+ bytes$/);
    expect(lines.at(-1)).toBe('everything is as it was written');
    expect(JSON.parse((await run(disk, 'verify', '/t', '--json')).lines[0])).toMatchObject({
      tables: 1,
      faults: [],
    });
  });

  it('says what is damaged, and fails', async () => {
    const disk = new SimDisk({ seed: 2 });
    await (await treeOn(disk)).close();
    for (const { path, inode } of disk.files()) if (path.endsWith('.sst')) inode.flipBit(5, 1);
    const { lines, code } = await run(disk, 'verify', '/t');
    expect(code).toBe(EXIT_DAMAGED);
    expect(lines.find((line) => line.startsWith('DAMAGED'))).toContain('000001.sst');
    await expect(run(disk, 'dump', '/t/000001.sst')).rejects.toThrow('checksum');
  });

  it('calls no table harmless when the manifest cannot be read', async () => {
    const disk = new SimDisk({ seed: 6 });
    await (await treeOn(disk)).close();
    for (const { path, inode } of disk.files()) if (path.endsWith('MANIFEST')) inode.flipBit(20, 1);
    const { lines, code } = await run(disk, 'verify', '/t');
    expect(code).toBe(EXIT_DAMAGED);
    expect(lines).toContain('DAMAGED /t/MANIFEST: byte 0: checksum');
    expect(lines.join(' ')).not.toContain('harmless');
    const error: unknown = await run(disk, 'stats', '/t').catch((failure: unknown) => failure);
    expect(exitCodeOf(error)).toBe(EXIT_DAMAGED);
  });

  it('refuses a limit that is no number', async () => {
    const disk = new SimDisk({ seed: 7 });
    await (await treeOn(disk)).close();
    await expect(run(disk, 'dump', '/t/000001.sst', '--limit', 'abc')).rejects.toThrow('whole number');
  });

  it('dumps a table', async () => {
    const disk = new SimDisk({ seed: 3 });
    await (await treeOn(disk)).close();
    expect((await run(disk, 'dump', '/t/000001.sst')).lines).toEqual([
      '\\x00\\xff @2 put 1 B',
      'apple @1 put 4 B',
      'pear @3 delete',
    ]);
    expect((await run(disk, 'dump', '/t/000001.sst', '--values', '--limit', '2')).lines[1]).toBe(
      'apple @1 put red\\x0a',
    );
    const [first] = (await run(disk, 'dump', '/t/000001.sst', '--json', '--values')).lines;
    expect(JSON.parse(first)).toEqual({ key: 'AP8', revision: 2, kind: 'put', value: 'eA' });
  });

  it('adds up the levels', async () => {
    const disk = new SimDisk({ seed: 4 });
    await (await treeOn(disk)).close();
    const { lines } = await run(disk, 'stats', '/t');
    expect(lines[1].trim().split(/\s+/).slice(0, 4)).toEqual(['0', '1', '3', '1']);
    expect(lines[2]).toBe('revisions 1 .. 3');
    expect(JSON.parse((await run(disk, 'stats', '/t', '--json')).lines[0])).toMatchObject({ walSegments: 1 });
  });

  it('refuses a tree in use, and a directory that is not there', async () => {
    const disk = new SimDisk({ seed: 5 });
    const tree = await treeOn(disk);
    await expect(run(disk, 'verify', '/t')).rejects.toMatchObject({ code: 'ELOCKED' });
    await tree.close();
    await expect(run(disk, 'verify', '/nothing')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
