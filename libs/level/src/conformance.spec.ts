import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileDisk } from '@holdfast/io-node';
import { SimDisk } from '@holdfast/sim';
import suite from 'abstract-level/test/index.js';
import { afterAll, describe } from 'vitest';
import { tapeTest } from '../testing/tape.ts';
import { HoldfastLevel } from './holdfast-level.ts';

/** The suite makes many hundreds of databases. */
const little = { walSegmentBytes: 16_384, blockCacheBytes: 65_536, memtableBytes: 262_144 };
/** Small enough that the suite's few entries go through memtables, tables and merges too. */
const tiny = { ...little, memtableBytes: 4_096, blockBytes: 256, tableBytes: 4_096, levelBaseBytes: 16_384 };

let count = 0;

/**
 * The public conformance suite. Tests close the databases that they make, but for a few whose listeners would
 * open them again: those are left to the end of the process.
 */
function conformance(name: string, factory: (options: object | undefined) => HoldfastLevel): void {
  describe(name, () => suite({ test: tapeTest, factory }));
}

describe('abstract-level', () => {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-level-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  // The disk is given, so that hundreds of databases do without threads of their own.
  conformance('on the disk of the machine', (options) => {
    const location = join(root, String(count++));
    return new HoldfastLevel(location, { ...options, disk: new FileDisk(), tree: little });
  });

  conformance(
    'on the simulated disk',
    (options) =>
      new HoldfastLevel('/level', { ...options, disk: new SimDisk({ seed: count++ }), tree: tiny }),
  );

  conformance('on the simulated disk without maps, every write synced', (options) => {
    const disk = new SimDisk({ seed: count++, map: 'none' });
    return new HoldfastLevel('/level', { ...options, disk, sync: true, tree: tiny });
  });
});
