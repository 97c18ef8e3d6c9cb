import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskConformance, realTime } from '@holdfast/io/conformance';
import { FileDisk } from './file-disk.ts';
import { loadLibc } from './libc.ts';

diskConformance('FileDisk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  return {
    ...realTime,
    disk: new FileDisk(),
    directory,
    maps: loadLibc() !== undefined,
    end: () => rm(directory, { recursive: true }),
  };
});
