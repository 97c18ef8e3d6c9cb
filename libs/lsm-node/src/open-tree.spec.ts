import { utf8 } from '@holdfast/io';
import { REVISION_MAX, type TreeEvent, WriteBatch } from '@holdfast/lsm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type TemporaryDirectory, temporaryDirectory } from '../testing/temporary-directory.ts';
import { COMPRESSION_BY_LEVEL } from './codecs.ts';
import { openTree } from './open-tree.ts';

let directory: TemporaryDirectory;
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => directory.remove());

it.each(['thread', 'caller'] as const)(
  'keeps what the %s wrote into the log, without a flush',
  async (by) => {
    const first = await openTree(directory.path, { wal: true, logWrites: by });
    const batch = new WriteBatch();
    batch.put(utf8('key'), 1, utf8('value'));
    await first.tree.write(batch, { sync: true });
    await first.close();
    const second = await openTree(directory.path, { wal: true });
    expect(Buffer.from((await second.tree.get(utf8('key')))!.value).toString()).toBe('value');
    await second.close();
  },
);

it('compacts on a thread, compressed by level', async () => {
  const events: TreeEvent[] = [];
  const opened = await openTree(directory.path, {
    options: { compression: COMPRESSION_BY_LEVEL, memtableBytes: 64 * 1024 },
    onEvent: (event) => events.push(event),
  });
  const { tree } = opened;
  tree.setHorizon(REVISION_MAX);
  for (let revision = 1; revision <= 5_000; revision++) {
    const batch = new WriteBatch();
    batch.put(utf8(`key${revision % 1_000}`), revision, utf8(`value of ${revision}, `.repeat(5)));
    await tree.writable();
    tree.apply(batch);
  }
  await tree.compactRange();
  const { levels, compaction } = tree.stats();
  expect(compaction.bytesWritten).toBeGreaterThan(0);
  const bottom = levels.at(-1)!;
  // A hundred bytes and more for each of the 1,000 keys.
  expect(bottom.bytes).toBeLessThan(60_000);
  expect(Buffer.from((await tree.get(utf8('key7')))!.value).toString()).toMatch(/^value of 4007, /);
  expect(events.some(({ type }) => type === 'broken')).toBe(false);
  await opened.close();
});

it('ends its threads when the directory is taken', async () => {
  const first = await openTree(directory.path);
  await expect(openTree(directory.path, { wal: true })).rejects.toMatchObject({ code: 'ELOCKED' });
  await first.close();
});
