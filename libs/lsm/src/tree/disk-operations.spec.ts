import { readFileSync, writeFileSync } from 'node:fs';
import { utf8 } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { expect, it } from 'vitest';
import { WriteBatch } from '../memtable/write-batch.ts';
import { Tree } from './tree.ts';

/** Set UPDATE_GOLDEN to write the transcript anew, and review it as a diff. */
it('does to the disk what the transcript says, in this order', async () => {
  const lines: string[] = [];
  const disk = new SimDisk({
    seed: 1,
    onOperation: ({ kind, path, offset, bytes, detail }) => {
      if (kind === 'read' || kind === 'close' || kind === 'size' || kind === 'list') return;
      lines.push(
        [`  ${kind}`, path, bytes > 0 ? `${offset}+${bytes}` : '', detail].filter(Boolean).join(' '),
      );
    },
  });
  const batch = new WriteBatch();
  const put = (revision: number): void => {
    batch.clear();
    batch.put(utf8('key'), revision, utf8('value'));
    batch.mark(1, utf8(`mark ${revision}`));
  };
  lines.push('open a new tree');
  let tree = await Tree.open({ disk, directory: '/t', options: { level0CompactionTables: 2 } });
  for (const revision of [1, 2]) {
    lines.push(`apply and flush ${revision}`);
    put(revision);
    tree.apply(batch);
    await tree.flush();
  }
  await tree.compactionIdle();
  lines.push('checkpoint');
  await tree.checkpoint('/copy');
  await tree.close();
  lines.push('open it again, with a WAL');
  tree = await Tree.open({ disk, directory: '/t', wal: true, options: { walSegmentBytes: 4_096 } });
  lines.push('a synced write');
  put(3);
  await tree.write(batch, { sync: true });
  lines.push('close');
  await tree.close();
  const transcript = `${lines.join('\n')}\n`;
  const golden = new URL('../../testdata/open.txt', import.meta.url);
  if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(golden, transcript);
  expect(transcript).toBe(readFileSync(golden, 'utf8'));
});
