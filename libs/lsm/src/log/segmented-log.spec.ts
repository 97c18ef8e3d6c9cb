import { readFileSync, writeFileSync } from 'node:fs';
import { equalBytes, pureKernels, utf8 } from '@holdfast/io';
import { noDiskFaults, SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { CorruptionError } from '../errors.ts';
import type { SegmentedLogOptions } from './log-options.ts';
import { SegmentedLog } from './segmented-log.ts';

const DIRECTORY = '/log';

async function open(disk: SimDisk, records: string[], segmentBytes = 4096): Promise<SegmentedLog> {
  const text = new TextDecoder();
  return SegmentedLog.open({
    disk,
    directory: DIRECTORY,
    kernels: pureKernels,
    segmentBytes,
    onRecord: (record) => records.push(`${record.type}:${text.decode(record.payload)}`),
  });
}

/** Finds texts, and does what it is told when the disk is full. */
function openOnFullDisk(
  disk: SimDisk,
  texts: string[],
  onFull: NonNullable<SegmentedLogOptions['onFull']>,
): Promise<SegmentedLog> {
  return SegmentedLog.open({
    disk,
    directory: DIRECTORY,
    segmentBytes: 4_096,
    onFull,
    onRecord: ({ payload }) => texts.push(new TextDecoder().decode(payload)),
  });
}

function commit(log: SegmentedLog): Promise<void> {
  return new Promise((resolve, reject) => {
    log.commit((error) => (error === undefined ? resolve() : reject(error)));
  });
}

async function write(log: SegmentedLog, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) log.append(1, [utf8(text.slice(0, 2)), utf8(text.slice(2))]);
  await commit(log);
}

describe('SegmentedLog', () => {
  it('gives back what was committed, in order, over many segments', async () => {
    const disk = new SimDisk({ seed: 1 });
    const log = await open(disk, []);
    const expected: string[] = [];
    for (let i = 0; i < 300; i++) {
      const text = `record ${i} ${'x'.repeat(i % 97)}`;
      expected.push(`1:${text}`);
      await write(log, text);
    }
    expect(log.segment).toBeGreaterThan(3);
    await log.close();
    const found: string[] = [];
    const again = await open(disk, found);
    expect(found).toEqual(expected);
    await again.close();
    expect(disk.openFiles).toBe(0);
  });

  it('answers a commit of nothing, and goes on', async () => {
    const log = await open(new SimDisk({ seed: 1 }), []);
    await commit(log);
    await write(log, 'one');
    await commit(log);
    await log.close();
  });

  it('refuses without room, when told to, exactly the commits that do not fit', async () => {
    const faults = noDiskFaults();
    const disk = new SimDisk({ seed: 1, faults });
    let log = await openOnFullDisk(disk, [], 'refuse');
    await write(log, 'first');
    faults.capacityBytes = disk.usedBytes;
    const outcomes: string[] = [];
    // One group: commits of two records each; some fit into the segment and its spare, the others do not.
    const large = 'x'.repeat(700);
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        write(log, `a${i}`, `${large}${i}`).then(
          () => outcomes.push(`ok ${i}`),
          (error: unknown) => outcomes.push(`${(error as { code: string }).code} ${i}`),
        ),
      ),
    );
    const written = outcomes.filter((outcome) => outcome.startsWith('ok')).length;
    expect(written).toBeGreaterThan(2);
    expect(outcomes).toEqual(Array.from({ length: 10 }, (_, i) => (i < written ? `ok ${i}` : `ENOSPC ${i}`)));
    faults.capacityBytes = Number.MAX_SAFE_INTEGER;
    await write(log, 'last');
    await log.close();
    const found: string[] = [];
    log = await openOnFullDisk(disk, found, 'refuse');
    await log.close();
    const expected = Array.from({ length: written }, (_, i) => [`a${i}`, `${large}${i}`]);
    expect(found).toEqual(['first', ...expected.flat(), 'last']);
  });

  it('keeps without room, when told to, the commits that do not fit, until there is some', async () => {
    const faults = noDiskFaults();
    const disk = new SimDisk({ seed: 1, faults });
    let log = await openOnFullDisk(disk, [], 'wait');
    await write(log, 'first');
    faults.capacityBytes = disk.usedBytes;
    const texts = Array.from({ length: 20 }, (_, i) => `${'x'.repeat(700)}${i}`);
    let ended = 0;
    const writes = texts.map((text) => write(log, text).then(() => ended++));
    await expect.poll(() => log.isShort && !log.canHold(1)).toBe(true);
    log.makeRoom();
    await expect.poll(() => log.isShort).toBe(true);
    expect(ended).toBe(0);
    // What stands on disk is whole, in case that the process dies now.
    const found: string[] = [];
    const ifCrashed = disk.ifCrashed({ keep: 'none', options: { faults: noDiskFaults() } });
    await (await openOnFullDisk(ifCrashed, found, 'break')).close();
    expect(found).toEqual(['first', ...texts].slice(0, found.length));
    faults.capacityBytes = Number.MAX_SAFE_INTEGER;
    log.makeRoom();
    await Promise.all(writes);
    expect(log.isShort).toBe(false);
    await log.close();
    const all: string[] = [];
    log = await openOnFullDisk(disk, all, 'wait');
    expect(all).toEqual(['first', ...texts]);
    // A log that is closed does not wait for ever.
    faults.capacityBytes = disk.usedBytes;
    const late = Promise.allSettled(texts.map((text) => write(log, text)));
    await expect.poll(() => log.isShort && !log.canHold(1)).toBe(true);
    await log.close();
    expect((await late).at(-1)?.status).toBe('rejected');
  });

  it('has the bytes of format version 1, and reads them', async () => {
    const disk = new SimDisk({ seed: 1 });
    const log = await open(disk, [], 512);
    await write(log, 'one', 'two');
    await write(log, '');
    await write(log, 'x'.repeat(100));
    await log.close();
    const path = `${DIRECTORY}/00000000000001.log`;
    const bytes = new Uint8Array(512);
    const file = await disk.open(path, 'never');
    await file.read(bytes, 0);
    await file.close();
    const golden = new URL('../../testdata/log-v1.bin', import.meta.url);
    if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(golden, bytes);
    const kept = readFileSync(golden);
    expect(equalBytes(bytes, kept)).toBe(true);

    const other = new SimDisk({ seed: 2 });
    await other.makeDirectory(DIRECTORY);
    const copy = await other.open(path, 'exclusive');
    await copy.write([kept], 0, true);
    await copy.close();
    const found: string[] = [];
    await (await open(other, found, 512)).close();
    expect(found).toEqual(['1:one', '1:two', '1:', `1:${'x'.repeat(100)}`]);
  });

  it('takes a record larger than a segment', async () => {
    const disk = new SimDisk({ seed: 1 });
    const log = await open(disk, []);
    const large = 'y'.repeat(20_000);
    await write(log, 'before');
    await write(log, large, 'after');
    await log.close();
    const found: string[] = [];
    await (await open(disk, found)).close();
    expect(found).toEqual(['1:before', `1:${large}`, '1:after']);
  });

  it('calls back once per commit, in order, also when groups share a sync', async () => {
    const disk = new SimDisk({ seed: 1 });
    const log = await open(disk, []);
    const order: number[] = [];
    const done = Array.from({ length: 20 }, (_, i) => {
      log.append(2, [utf8(`r${i}`)]);
      return commit(log).then(() => order.push(i));
    });
    await Promise.all(done);
    expect(order).toEqual([...Array(20).keys()]);
    await log.close();
  });

  it('writes all commits of a turn as one group, and cuts where it would grow large', async () => {
    const writes: number[] = [];
    const onOperation = ({ kind, bytes }: { readonly kind: string; readonly bytes: number }): void => {
      if (kind === 'write') writes.push(bytes);
    };
    const log = await open(new SimDisk({ seed: 1, onOperation }), [], 8 * 2 ** 20);
    await log.idle();
    const append = (count: number, bytes: number): Promise<unknown> =>
      Promise.all(
        Array.from({ length: count }, () => {
          log.append(1, [new Uint8Array(bytes)]);
          return commit(log);
        }),
      );
    const groupsOf = async (work: Promise<unknown>): Promise<number> => {
      writes.length = 0;
      await work;
      // The space of the next segment is filled with zeros meanwhile.
      return writes.filter((bytes) => bytes % 4_096 !== 0).length;
    };
    expect(await groupsOf(append(64, 100))).toBe(1);
    expect(await groupsOf(append(30, 100_000))).toBe(3);
    expect(await groupsOf(append(2, 2_000_000))).toBe(2);
    await log.close();
  });

  it('keeps every acknowledged record through a power loss after any disk operation', async () => {
    for (let crashAfter = 1; crashAfter < 120; crashAfter++) {
      const disk = new SimDisk({ seed: crashAfter, crashAfter });
      const acknowledged: string[] = [];
      const attempted: string[] = [];
      try {
        const log = await open(disk, [], 512);
        for (let i = 0; i < 40; i++) {
          const texts = [`a${i}${'z'.repeat(i)}`, `b${i}`];
          attempted.push(...texts.map((text) => `1:${text}`));
          await write(log, ...texts);
          acknowledged.push(...texts.map((text) => `1:${text}`));
        }
      } catch {
        // The power loss; what matters is what is there afterwards.
      }
      const found: string[] = [];
      const survivor = await open(disk.crash(), found, 512);
      expect(found.slice(0, acknowledged.length), `crash after ${crashAfter}`).toEqual(acknowledged);
      expect(attempted.slice(0, found.length)).toEqual(found);
      await write(survivor, 'life goes on');
      await survivor.close();
    }
  });

  it('refuses damage in the middle and never cuts it', async () => {
    const disk = new SimDisk({ seed: 1 });
    const log = await open(disk, [], 64 * 1024);
    for (let i = 0; i < 20; i++) await write(log, `record number ${i}`);
    await log.close();
    const segment = [...disk.files()].find(({ path }) => path.endsWith('01.log'))!;
    segment.inode.flipBit(64 + 16 + 3, 2);
    await expect(open(disk, [], 64 * 1024)).rejects.toThrow(CorruptionError);
  });

  it('cuts a torn last group and reuses its space safely', async () => {
    const disk = new SimDisk({ seed: 1 });
    const log = await open(disk, [], 64 * 1024);
    for (let i = 0; i < 5; i++) await write(log, `record number ${i}`);
    await log.close();
    const segment = [...disk.files()].find(({ path }) => path.endsWith('01.log'))!;
    const recordBytes = 16 + 16;
    segment.inode.flipBit(64 + 4 * recordBytes + 20, 2);
    const found: string[] = [];
    const again = await open(disk, found, 64 * 1024);
    expect(found).toEqual([0, 1, 2, 3].map((i) => `1:record number ${i}`));
    await write(again, 'another');
    await again.close();
    const after: string[] = [];
    await (await open(disk, after, 64 * 1024)).close();
    expect(after).toEqual([...found, '1:another']);
  });

  it('refuses a missing segment', async () => {
    const disk = new SimDisk({ seed: 1 });
    const log = await open(disk, [], 512);
    for (let i = 0; i < 60; i++) await write(log, `record number ${i}`);
    await log.close();
    await disk.remove(`${DIRECTORY}/00000000000002.log`);
    await expect(open(disk, [], 512)).rejects.toThrow(/missing/);
  });

  it('drops old segments and uses their files again', async () => {
    const disk = new SimDisk({ seed: 1 });
    const log = await open(disk, [], 512);
    for (let i = 0; i < 60; i++) await write(log, `record number ${i}`);
    const last = log.segment;
    await log.truncateBefore(last);
    expect(log.firstSegment).toBe(last);
    for (let i = 60; i < 120; i++) await write(log, `record number ${i}`);
    await log.close();
    const found: string[] = [];
    await (await open(disk, found, 512)).close();
    expect(found.at(-1)).toBe('1:record number 119');
    expect(found.length).toBeLessThan(120);
  });

  it('breaks for good when a sync fails', async () => {
    const disk = new SimDisk({ seed: 1 });
    const log = await open(disk, []);
    await write(log, 'fine');
    disk.faults.syncErrors = 1;
    log.append(1, [utf8('lost')]);
    await expect(commit(log)).rejects.toThrow(/broken/);
    disk.faults.syncErrors = 0;
    log.append(1, [utf8('too late')]);
    await expect(commit(log)).rejects.toThrow(/broken/);
  });
});

describe('SegmentedLog after a process that died without a sync', () => {
  it('promises nothing that a power loss could still take away', async () => {
    const disk = new SimDisk({ seed: 3 });
    const log = await open(disk, []);
    await write(log, 'synced');
    disk.faults.syncErrors = 1;
    log.append(1, [utf8('in the page cache only')]);
    await expect(commit(log)).rejects.toThrow(/broken/);
    disk.faults.syncErrors = 0;
    const survivor = disk.kill();
    const promised: string[] = [];
    await (await open(survivor, promised)).close();
    const found: string[] = [];
    await (await open(survivor.crash(), found)).close();
    expect(found.slice(0, promised.length)).toEqual(promised);
    expect(promised[0]).toBe('1:synced');
  });

  it('leaves nothing of a torn group on the disk, also when the sync of the first cut failed', async () => {
    const disk = new SimDisk({ seed: 4 });
    const log = await open(disk, []);
    await write(log, 'kept');
    await write(log, 'damaged', 'the same group, whole, in several sectors '.repeat(50));
    await log.close();
    const segment = [...disk.files()].find(({ path }) => path.endsWith('01.log'))!;
    const endOfKept = 64 + 16 + 8;
    segment.inode.flipBit(endOfKept + 20, 2);
    disk.faults.syncErrors = 1;
    await expect(open(disk, [])).rejects.toThrow(/EIO/);
    disk.faults.syncErrors = 0;
    const survivor = disk.kill();
    const promised: string[] = [];
    await (await open(survivor, promised)).close();
    expect(promised).toEqual(['1:kept']);
    const file = [...survivor.crash().files()].find(({ path }) => path.endsWith('01.log'))!;
    expect(
      file.inode
        .content()
        .subarray(endOfKept)
        .every((byte) => byte === 0),
    ).toBe(true);
  });
});
