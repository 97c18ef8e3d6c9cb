import {
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  joinPath,
  readWholeFile,
  replaceFile,
} from '@holdfast/io';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { World } from './world.ts';

/** A disk under test. `directory` exists, is empty, and may be filled; the maker removes it in `end`. */
export interface DiskWorld extends World {
  readonly disk: Disk;
  readonly directory: string;
  /** What the contract leaves open: whether `map` gives memory here. */
  readonly maps: boolean;
}

/**
 * What every `Disk` does in the absence of faults. What survives a power loss is not here: only a simulated
 * disk can lose power, and its own specs hold it to that part of the contract.
 *
 * @param makeDisk called before each test.
 */
export function diskConformance(name: string, makeDisk: () => DiskWorld | Promise<DiskWorld>): void {
  describe(`${name} as a Disk`, () => {
    let world: DiskWorld;
    beforeEach(async () => {
      world = await makeDisk();
    });
    afterEach(() => world.end?.());

    const at = (...parts: readonly string[]): string => joinPath(world.directory, ...parts);
    const test = (title: string, body: (disk: Disk) => Promise<void>): void => {
      it(title, () => world.run(body(world.disk)));
    };

    directoryTests(test, at);
    fileTests(test, at, () => world.maps);
    lockTests(test, at);
  });
}

type Test = (title: string, body: (disk: Disk) => Promise<void>) => void;
type At = (...parts: readonly string[]) => string;

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

async function refuses(work: Promise<unknown>, code: DiskErrorCode): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DiskError);
  expect((error as DiskError).code).toBe(code);
}

async function create(disk: Disk, path: string, content = ''): Promise<void> {
  const file = await disk.open(path, 'exclusive');
  await file.write([bytes(content)], 0, true);
  await file.close();
}

async function contentOf(disk: Disk, path: string): Promise<string> {
  return String.fromCharCode(...(await readWholeFile(disk, path)));
}

function directoryTests(test: Test, at: At): void {
  test('opens by the three ways of creating', async (disk) => {
    await refuses(disk.open(at('a'), 'never'), 'ENOENT');
    await (await disk.open(at('a'), 'exclusive')).close();
    await refuses(disk.open(at('a'), 'exclusive'), 'EEXIST');
    await (await disk.open(at('a'), 'never')).close();
    await (await disk.open(at('b'), 'if-missing')).close();
    await (await disk.open(at('b'), 'if-missing')).close();
    await refuses(disk.open(at('missing', 'a'), 'if-missing'), 'ENOENT');
    expect(await disk.list(at())).toEqual(['a', 'b']);
  });

  test('opens an existing file without changing it', async (disk) => {
    await create(disk, at('a'), 'content');
    await (await disk.open(at('a'), 'if-missing')).close();
    expect(await contentOf(disk, at('a'))).toBe('content');
  });

  test('refuses to open a directory as a file', async (disk) => {
    await disk.makeDirectory(at('d'));
    await refuses(disk.open(at('d'), 'never'), 'EINVAL');
  });

  test('lists names sorted by code unit, directories too', async (disk) => {
    for (const name of ['b', 'a10', 'a9', 'B', '_']) await create(disk, at(name));
    await disk.makeDirectory(at('c'));
    expect(await disk.list(at())).toEqual(['B', '_', 'a10', 'a9', 'b', 'c']);
    await refuses(disk.list(at('missing')), 'ENOENT');
  });

  test('tells sizes, and undefined for what is missing', async (disk) => {
    await create(disk, at('a'), '12345');
    expect(await disk.size(at('a'))).toBe(5);
    expect(await disk.size(at('b'))).toBeUndefined();
    expect(await disk.size(at('missing', 'b'))).toBeUndefined();
  });

  test('makes directories with their parents, again without harm', async (disk) => {
    await disk.makeDirectory(at('x', 'y', 'z'));
    await disk.makeDirectory(at('x', 'y', 'z'));
    await disk.makeDirectory(at('x', 'w'));
    expect(await disk.list(at('x'))).toEqual(['w', 'y']);
    await create(disk, at('file'));
    await refuses(disk.makeDirectory(at('file')), 'EEXIST');
  });

  test('renames over an existing file', async (disk) => {
    await create(disk, at('a'), 'new');
    await create(disk, at('b'), 'old');
    await disk.rename(at('a'), at('b'));
    await disk.syncDirectory(at());
    expect(await disk.list(at())).toEqual(['b']);
    expect(await contentOf(disk, at('b'))).toBe('new');
    await refuses(disk.rename(at('missing'), at('c')), 'ENOENT');
  });

  test('renames into another directory', async (disk) => {
    await disk.makeDirectory(at('d'));
    await create(disk, at('a'), 'moved');
    await disk.rename(at('a'), at('d', 'a'));
    expect(await contentOf(disk, at('d', 'a'))).toBe('moved');
    expect(await disk.list(at())).toEqual(['d']);
  });

  test('gives the same bytes a second name', async (disk) => {
    await create(disk, at('a'), 'shared');
    await disk.link(at('a'), at('b'));
    await refuses(disk.link(at('a'), at('b')), 'EEXIST');
    await refuses(disk.link(at('missing'), at('c')), 'ENOENT');
    await disk.remove(at('a'));
    expect(await contentOf(disk, at('b'))).toBe('shared');
    await disk.remove(at('b'));
    expect(await disk.list(at())).toEqual([]);
  });

  test('removes files, and says so when there is none', async (disk) => {
    await create(disk, at('a'));
    await disk.remove(at('a'));
    await refuses(disk.remove(at('a')), 'ENOENT');
    await refuses(disk.syncDirectory(at('missing')), 'ENOENT');
  });

  test('replaces a file as a whole', async (disk) => {
    await replaceFile(disk, at('current'), bytes('first, and long'));
    await replaceFile(disk, at('current'), bytes('second'));
    expect(await contentOf(disk, at('current'))).toBe('second');
    expect(await disk.list(at())).toEqual(['current']);
  });
}

function fileTests(test: Test, at: At, maps: () => boolean): void {
  const open = (disk: Disk): Promise<DiskFile> => disk.open(at('file'), 'exclusive');
  const readText = async (file: DiskFile, offset: number, length: number): Promise<string> => {
    const target = new Uint8Array(length);
    const count = await file.read(target, offset);
    const again = new Uint8Array(length);
    expect(file.readSync(again, offset)).toBe(count);
    expect(again).toEqual(target);
    return String.fromCharCode(...target.subarray(0, count));
  };

  test('writes chunks one behind the other and knows its size', async (disk) => {
    const file = await open(disk);
    expect(file.path).toBe(at('file'));
    expect(file.size).toBe(0);
    await file.write([bytes('one '), bytes(''), bytes('two '), bytes('three')], 0, false);
    expect(file.size).toBe(13);
    await file.write([bytes('TWO')], 4, true);
    expect(file.size).toBe(13);
    expect(await readText(file, 0, 13)).toBe('one TWO three');
    await file.close();
    expect(await disk.size(at('file'))).toBe(13);
  });

  test('reads less only at the end of the file', async (disk) => {
    const file = await open(disk);
    await file.write([bytes('0123456789')], 0, false);
    expect(await readText(file, 7, 10)).toBe('789');
    expect(await readText(file, 10, 10)).toBe('');
    expect(await readText(file, 99, 10)).toBe('');
    expect(await readText(file, 3, 0)).toBe('');
    await file.close();
  });

  test('fills a gap in front of a write with zeros', async (disk) => {
    const file = await open(disk);
    await file.write([bytes('x')], 3, false);
    expect(await readText(file, 0, 9)).toBe('\0\0\0x');
    await file.close();
  });

  test('writes nothing where there is nothing to write', async (disk) => {
    const file = await open(disk);
    await file.write([], 0, true);
    await file.write([bytes('')], 0, false);
    expect(file.size).toBe(0);
    await file.close();
  });

  test('writes more chunks and more bytes than one call of a system takes', async (disk) => {
    const file = await open(disk);
    const chunks = Array.from({ length: 3000 }, (_, i) => new Uint8Array(1 + (i % 7)).fill(i % 251));
    const large = new Uint8Array(3 * 1024 * 1024).fill(7);
    const expected = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let end = 0;
    for (const chunk of chunks) {
      expected.set(chunk, end);
      end += chunk.length;
    }
    await file.write([...chunks, large], 0, true);
    expect(file.size).toBe(end + large.length);
    const target = new Uint8Array(file.size);
    expect(await file.read(target, 0)).toBe(target.length);
    expect(Buffer.compare(target.subarray(0, end), expected)).toBe(0);
    expect(Buffer.compare(target.subarray(end), large)).toBe(0);
    await file.close();
  });

  test('keeps synced and unsynced writes in order, in every mixture', async (disk) => {
    const file = await open(disk);
    for (let i = 0; i < 20; i++) {
      await file.write([bytes(String.fromCharCode(97 + i))], i, i % 3 !== 0);
      if (i % 5 === 0) await file.sync();
    }
    expect(await readText(file, 0, 20)).toBe('abcdefghijklmnopqrst');
    await file.close();
  });

  test('takes several writes at once to different places', async (disk) => {
    const file = await open(disk);
    await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        file.write([bytes(String.fromCharCode(97 + i).repeat(10))], i * 10, i % 2 === 0),
      ),
    );
    expect(file.size).toBe(160);
    for (let i = 0; i < 16; i++)
      expect(await readText(file, i * 10, 10)).toBe(String.fromCharCode(97 + i).repeat(10));
    await file.close();
  });

  test('truncates and grows', async (disk) => {
    const file = await open(disk);
    await file.write([bytes('0123456789')], 0, false);
    await file.truncate(4);
    expect(file.size).toBe(4);
    expect(await readText(file, 0, 10)).toBe('0123');
    await file.truncate(6);
    expect(await readText(file, 0, 10)).toBe('0123\0\0');
    await file.sync();
    await file.close();
  });

  test('allocates zeros behind what is there, and never shrinks', async (disk) => {
    const file = await open(disk);
    await file.write([bytes('head')], 0, false);
    await file.allocate(2_500_001);
    expect(file.size).toBe(2_500_001);
    await file.allocate(100);
    expect(file.size).toBe(2_500_001);
    await file.write([bytes('in the middle')], 1_000_000, true);
    expect(file.size).toBe(2_500_001);
    const target = new Uint8Array(2_500_001);
    await file.read(target, 0);
    expect(String.fromCharCode(...target.subarray(0, 5))).toBe('head\0');
    expect(target.reduce((sum, byte) => sum + (byte === 0 ? 0 : 1), 0)).toBe(
      'head'.length + 'in the middle'.length,
    );
    await file.close();
  });

  test('lives on without a name', async (disk) => {
    const file = await open(disk);
    await file.write([bytes('anonymous')], 0, true);
    await disk.remove(at('file'));
    await file.write([bytes('A')], 0, true);
    expect(await readText(file, 0, 9)).toBe('Anonymous');
    await file.close();
    expect(await disk.list(at())).toEqual([]);
  });

  test('keeps its name for messages and its bytes after a rename', async (disk) => {
    const file = await open(disk);
    await disk.rename(at('file'), at('other'));
    await file.write([bytes('here')], 0, true);
    await file.write([bytes('t')], 0, true);
    await file.close();
    expect(await contentOf(disk, at('other'))).toBe('tere');
  });

  test('shows one file through two handles', async (disk) => {
    const one = await open(disk);
    const two = await disk.open(at('file'), 'never');
    await one.write([bytes('0123456789')], 0, false);
    expect(two.size).toBe(10);
    expect(await readText(two, 0, 10)).toBe('0123456789');
    await two.write([bytes('x')], 10, true);
    expect(one.size).toBe(11);
    await one.close();
    expect(await readText(two, 9, 5)).toBe('9x');
    await two.close();
  });

  test('refuses everything after close, but not a second close', async (disk) => {
    const file = await open(disk);
    await file.write([bytes('x')], 0, false);
    await file.close();
    await file.close();
    await refuses(file.read(new Uint8Array(1), 0), 'ECLOSED');
    await refuses(file.write([bytes('y')], 0, false), 'ECLOSED');
    await refuses(file.sync(), 'ECLOSED');
    await refuses(file.truncate(0), 'ECLOSED');
    await refuses(file.allocate(10), 'ECLOSED');
    expect(() => file.readSync(new Uint8Array(1), 0)).toThrow(DiskError);
    expect(() => file.map()).toThrow(DiskError);
  });

  test('maps what positional reads give, until it is closed', async (disk) => {
    const file = await open(disk);
    const content = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 31) % 211);
    await file.write([content], 0, true);
    const mapped = file.map();
    expect(mapped !== undefined).toBe(maps());
    if (mapped !== undefined) {
      expect(mapped.length).toBe(content.length);
      expect(Buffer.compare(mapped, content)).toBe(0);
      const target = new Uint8Array(100);
      for (const offset of [0, 4090, 9_900]) {
        await file.read(target, offset);
        expect(mapped.subarray(offset, offset + 100)).toEqual(target);
      }
      expect(file.map()?.subarray(0, 10)).toEqual(content.subarray(0, 10));
    }
    await file.close();
    // The alternatives would be foreign bytes or a dead process: a view is empty, or visibly wrong.
    for (let i = 0; i < 10; i++) expect(mapped?.[i]).not.toBe(content[i]);
  });

  test('maps an empty file to nothing', async (disk) => {
    const file = await open(disk);
    expect(file.map()?.length ?? 0).toBe(0);
    await file.close();
  });
}

function lockTests(test: Test, at: At): void {
  test('gives the lock of a directory once', async (disk) => {
    await disk.makeDirectory(at('d'));
    const lock = await disk.lock(at('d'));
    await refuses(disk.lock(at('d')), 'ELOCKED');
    await disk.makeDirectory(at('e'));
    const other = await disk.lock(at('e'));
    await other.release();
    await lock.release();
    await lock.release();
    const again = await disk.lock(at('d'));
    await lock.release();
    await refuses(disk.lock(at('d')), 'ELOCKED');
    await again.release();
  });
}
