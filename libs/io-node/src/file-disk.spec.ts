import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DiskWorld, diskConformance, realTime } from '@holdfast/io/conformance';
import { afterAll } from 'vitest';
import { FileDisk } from './file-disk.ts';
import { loadLibc } from './libc.ts';
import { BlockingWriter } from './synced-writer.ts';
import { LogWriter } from './threads/log-writer.ts';

async function world(disk: FileDisk): Promise<DiskWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  const end = (): Promise<void> => rm(directory, { recursive: true });
  return { ...realTime, disk, directory, maps: loadLibc() !== undefined, end };
}

diskConformance('FileDisk', () => world(new FileDisk()));

const logWriter = new LogWriter();
afterAll(() => logWriter.close());
diskConformance('FileDisk with a log writer', () => world(new FileDisk(logWriter)));

diskConformance('FileDisk that writes on the calling thread', () =>
  world(new FileDisk(new BlockingWriter())),
);
