import { type DiskError, readWholeFile, replaceFile, utf8 } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { noDiskFaults, PowerLoss } from './disk-options.ts';
import { exploreCrashes } from './explore-crashes.ts';
import { SimDisk } from './sim-disk.ts';

async function text(disk: SimDisk, path: string): Promise<string> {
  return String.fromCharCode(...(await readWholeFile(disk, path)));
}

async function diskWith(path: string, content: string): Promise<SimDisk> {
  const disk = new SimDisk({ seed: 1 });
  await disk.makeDirectory('/d');
  await replaceFile(disk, path, utf8(content));
  return disk;
}

describe('SimDisk without a crash', () => {
  it('names a file with something unsynced, in its own directory only', async () => {
    const disk = await diskWith('/d/a', 'synced');
    await disk.makeDirectory('/d/e');
    expect(disk.unsyncedFile('/d')).toBeUndefined();
    const file = await disk.open('/d/e/b', 'exclusive');
    await file.write([utf8('x')], 0, false);
    expect(disk.unsyncedFile('/d')).toBeUndefined();
    expect(disk.unsyncedFile('/d/e')?.path).toBe('/d/e/b');
    await file.sync();
    expect(disk.unsyncedFile('/d/e')).toBeUndefined();
  });

  it('reads what was written, with holes as zeros', async () => {
    const disk = new SimDisk({ seed: 1 });
    const file = await disk.open('/a', 'exclusive');
    await file.write([utf8('ab'), utf8('cd')], 600, false);
    expect(file.size).toBe(604);
    const target = new Uint8Array(10);
    expect(await file.read(target, 598)).toBe(6);
    expect([...target.subarray(0, 6)]).toEqual([0, 0, 97, 98, 99, 100]);
    await file.truncate(601);
    await file.allocate(700);
    expect(file.readSync(target, 599)).toBe(10);
    expect([...target]).toEqual([0, 97, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('gives the error codes of the contract', async () => {
    const disk = new SimDisk({ seed: 1, openFilesMax: 1 });
    const code = (promise: Promise<unknown>) => promise.then(String, (error: DiskError) => error.code);
    expect(await code(disk.open('/a', 'never'))).toBe('ENOENT');
    expect(await code(disk.open('/d/a', 'if-missing'))).toBe('ENOENT');
    const file = await disk.open('/a', 'exclusive');
    expect(await code(disk.open('/a', 'never'))).toBe('EMFILE');
    await file.close();
    expect(await code(file.sync())).toBe('ECLOSED');
    expect(await code(disk.open('/a', 'exclusive'))).toBe('EEXIST');
    expect(await code(disk.list('/d'))).toBe('ENOENT');
    expect(await code(disk.remove('/b'))).toBe('ENOENT');
    const lock = await disk.lock('/');
    expect(await code(disk.lock('/'))).toBe('ELOCKED');
    await lock.release();
    await disk.lock('/');
    expect(disk.openFiles).toBe(0);
    expect(await disk.list('/')).toEqual(['a']);
  });

  it('counts the space of files that have a name', async () => {
    const faults = { ...noDiskFaults(), capacityBytes: 1000 };
    const disk = new SimDisk({ seed: 1, faults });
    const file = await disk.open('/a', 'exclusive');
    await file.allocate(900);
    await expect(file.write([new Uint8Array(200)], 900, false)).rejects.toMatchObject({ code: 'ENOSPC' });
    await disk.link('/a', '/b');
    await disk.remove('/a');
    expect(disk.usedBytes).toBe(900);
    await disk.remove('/b');
    expect(disk.usedBytes).toBe(0);
  });

  it('poisons a mapping at close', async () => {
    const disk = await diskWith('/d/a', 'hello');
    const file = await disk.open('/d/a', 'never');
    const mapping = file.map()!;
    expect([...mapping]).toEqual([...utf8('hello')]);
    await file.close();
    expect(mapping[0]).toBe(0xdb);
  });
});

describe('SimDisk after a power loss', () => {
  it('keeps what was synced and nothing else with keep none, everything with keep all', async () => {
    const disk = await diskWith('/d/a', 'old');
    const file = await disk.open('/d/a', 'never');
    await file.write([utf8('new and longer')], 0, false);
    await disk.open('/d/b', 'exclusive');
    expect(await text(disk.crash({ keep: 'none' }), '/d/a')).toBe('old');
    expect(await disk.crash({ keep: 'none' }).list('/d')).toEqual(['a']);
    expect(await text(disk.crash({ keep: 'all' }), '/d/a')).toBe('new and longer');
    expect(await disk.crash({ keep: 'all' }).list('/d')).toEqual(['a', 'b']);
    await expect(file.sync()).rejects.toThrow(PowerLoss);
  });

  it('tears unsynced writes at sector borders, keeps sectors whole, and never loses synced sectors', async () => {
    const disk = new SimDisk({ seed: 7 });
    const file = await disk.open('/a', 'exclusive');
    await disk.syncDirectory('/');
    await file.write([new Uint8Array(2048).fill(1)], 0, true);
    await file.write([new Uint8Array(1024).fill(2)], 1024, false);
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 64; seed++) {
      const bytes = await readWholeFile(disk.ifCrashed({ seed }), '/a');
      const sectors = [0, 1, 2, 3].map((sector) => new Set(bytes.subarray(sector * 512, sector * 512 + 512)));
      for (const sector of sectors) expect(sector.size).toBe(1);
      outcomes.add(sectors.map((sector) => [...sector][0]).join(''));
    }
    expect([...outcomes].sort()).toEqual(['1111', '1112', '1121', '1122']);
  });

  it('may keep any version of a sector that was written several times', async () => {
    const disk = await diskWith('/d/a', 'v0');
    const file = await disk.open('/d/a', 'never');
    await file.write([utf8('v1')], 0, false);
    await file.write([utf8('v2')], 0, false);
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 64; seed++) outcomes.add(await text(disk.ifCrashed({ seed }), '/d/a'));
    expect([...outcomes].sort()).toEqual(['v0', 'v1', 'v2']);
  });

  it('undoes a truncation whole or not at all', async () => {
    const disk = await diskWith('/d/a', 'x'.repeat(2000));
    const file = await disk.open('/d/a', 'never');
    await file.truncate(100);
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 64; seed++) {
      const left = await text(disk.ifCrashed({ seed }), '/d/a');
      expect(left).toBe('x'.repeat(left.length));
      outcomes.add(String(left.length));
    }
    expect([...outcomes].sort()).toEqual(['100', '2000']);
    await file.sync();
    expect((await text(disk.ifCrashed({ keep: 'none' }), '/d/a')).length).toBe(100);
  });

  it('shows after a rename the old file or the new one, never none', async () => {
    const disk = await diskWith('/d/a', 'old');
    const file = await disk.open('/d/t', 'exclusive');
    await file.write([utf8('new')], 0, true);
    await disk.rename('/d/t', '/d/a');
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 32; seed++) outcomes.add(await text(disk.ifCrashed({ seed }), '/d/a'));
    expect([...outcomes].sort()).toEqual(['new', 'old']);
    await disk.syncDirectory('/d');
    expect(await text(disk.crash({ keep: 'none' }), '/d/a')).toBe('new');
    expect(await disk.crash({ keep: 'none' }).list('/d')).toEqual(['a']);
  });

  it('loses a file that was renamed across directories in neither of them', async () => {
    const disk = await diskWith('/d/a', 'x');
    await disk.makeDirectory('/e/f');
    await disk.rename('/d/a', '/e/f/a');
    await disk.syncDirectory('/d');
    const left = disk.crash({ keep: 'none' });
    expect([await left.list('/d'), await left.list('/e/f')]).toEqual([[], ['a']]);
  });

  it('brings back a removed name unless the directory was synced', async () => {
    const disk = await diskWith('/d/a', 'x');
    await disk.remove('/d/a');
    expect(await text(disk.ifCrashed({ keep: 'none' }), '/d/a')).toBe('x');
    await disk.syncDirectory('/d');
    expect(await disk.crash({ keep: 'none' }).list('/d')).toEqual([]);
  });

  it('never makes durable what a failed sync covered, even if a later sync succeeds', async () => {
    const faults = { ...noDiskFaults(), syncErrors: 1 };
    const disk = new SimDisk({ seed: 1, faults });
    const file = await disk.open('/a', 'exclusive');
    await file.write([utf8('gone')], 0, false);
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    faults.syncErrors = 0;
    await file.sync();
    await disk.syncDirectory('/');
    expect(await text(disk, '/a')).toBe('gone');
    expect(await text(disk.crash({ keep: 'all' }), '/a')).toBe('\0\0\0\0');
  });

  it('loses nothing at kill -9', async () => {
    const disk = await diskWith('/d/a', 'old');
    await disk.lock('/d');
    const file = await disk.open('/d/a', 'never');
    await file.write([utf8('new')], 0, false);
    const next = disk.kill();
    expect(await text(next, '/d/a')).toBe('new');
    await next.lock('/d');
    expect(await text(next.crash({ keep: 'none' }), '/d/a')).toBe('old');
  });
});

describe('SimDisk with a timer', () => {
  function timed(seed: number, delays: readonly number[]) {
    const tasks: { readonly at: number; readonly task: () => void }[] = [];
    let turn = 0;
    const disk = new SimDisk({
      seed,
      timer: { schedule: (at, task) => void tasks.push({ at, task }) },
      delayMs: () => delays[turn++] ?? 1,
      afterCrash: 'hang',
    });
    const runUntil = (time: number) => {
      tasks.sort((a, b) => a.at - b.at);
      while (tasks[0] !== undefined && tasks[0].at <= time) tasks.shift()!.task();
    };
    return { disk, runUntil };
  }

  it('covers with a sync only what had completed when it was issued', async () => {
    const { disk, runUntil } = timed(3, [0, 5, 9]);
    const opening = disk.open('/a', 'exclusive');
    runUntil(0);
    const file = await opening;
    void file.write([utf8('late')], 0, false);
    void file.sync();
    runUntil(100);
    await Promise.resolve();
    const left = disk.crash({ keep: 'none' });
    expect([...left.files()]).toHaveLength(0);
    const kept = disk.crash({ keep: 'all' });
    expect([...kept.files()].map(({ inode }) => inode.size)).toEqual([4]);
  });

  it('never answers after the process died, and may land what was in flight', async () => {
    const sizes = new Set<number>();
    for (let seed = 0; seed < 16; seed++) {
      const { disk, runUntil } = timed(seed, [0, 5]);
      const opening = disk.open('/a', 'exclusive');
      runUntil(0);
      const file = await opening;
      let answered = false;
      void file.write([utf8('abc')], 0, false).then(() => (answered = true));
      const next = disk.kill();
      runUntil(100);
      await Promise.resolve();
      expect(answered).toBe(false);
      sizes.add([...next.files()][0].inode.size);
    }
    expect([...sizes].sort((a, b) => a - b)).toEqual([0, 3]);
  });
});

describe('exploreCrashes', () => {
  const write = (sync: boolean) => async (disk: SimDisk, acknowledge: (value: string) => void) => {
    await disk.makeDirectory('/d');
    const file = await disk.open('/d/a', 'exclusive');
    await disk.syncDirectory('/d');
    for (const [i, value] of ['one', 'two'].entries()) {
      await file.write([utf8(value)], i * 600, sync);
      acknowledge(value);
    }
  };
  const verify = async (disk: SimDisk, acknowledged: string | undefined) => {
    if (acknowledged === undefined) return;
    const content = await text(disk, '/d/a');
    expect(content).toContain('one');
    if (acknowledged === 'two') expect(content).toContain('two');
  };

  it('passes a script that syncs before it acknowledges', async () => {
    expect(await exploreCrashes({ seed: 1, script: write(true), verify })).toBe(5);
  });

  it('finds a script that does not', async () => {
    await expect(exploreCrashes({ seed: 1, script: write(false), verify })).rejects.toThrow('"keep":"none"');
  });
});
