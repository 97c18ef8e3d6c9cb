import { pureKernels, utf8, viewOf } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorruptionError } from '../errors.ts';
import { headerFault, readRecord, SEGMENT_HEADER_BYTES } from './log-format.ts';
import { SegmentedLog } from './segmented-log.ts';

const SEGMENT = '/log/00000000000001.log';

async function makeLog(disk: SimDisk): Promise<void> {
  const log = await SegmentedLog.open({
    disk,
    directory: '/log',
    segmentBytes: 2_048,
    onRecord: () => undefined,
  });
  for (let i = 0; i < 8; i++) {
    log.append(1, [utf8(`record ${i} ${'x'.repeat(i * 7)}`)]);
    await new Promise<void>((resolve) => {
      log.commit(() => resolve());
    });
  }
  await log.close();
}

describe('whatever the bytes of a log are', () => {
  it('a header or a record is refused, never misread and never thrown about', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: SEGMENT_HEADER_BYTES, maxLength: 400 }),
        fc.nat(300),
        (bytes, at) => {
          expect(headerFault(pureKernels, bytes, 1)).toBeDefined();
          expect(readRecord(pureKernels, bytes, viewOf(bytes), 1, at & ~7)).toBeUndefined();
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('recovery gives a prefix of the records or refuses', async () => {
    const clean = new SimDisk({ seed: 1 });
    await makeLog(clean);
    const size = clean.files('/log').find(({ path }) => path === SEGMENT)!.inode.size;
    const change = fc.record({ at: fc.nat(size - 1), bit: fc.nat(7) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 5 }), async (changes) => {
        const disk = new SimDisk({ seed: 1 });
        await makeLog(disk);
        const { inode } = disk.files('/log').find(({ path }) => path === SEGMENT)!;
        for (const { at, bit } of changes) inode.flipBit(at, bit);
        const found: string[] = [];
        try {
          const log = await SegmentedLog.open({
            disk,
            directory: '/log',
            segmentBytes: 2_048,
            onRecord: ({ payload }) => found.push(new TextDecoder().decode(payload)),
          });
          await log.close();
        } catch (error) {
          if (!(error instanceof CorruptionError)) throw error;
        }
        for (const [i, record] of found.entries()) expect(record).toBe(`record ${i} ${'x'.repeat(i * 7)}`);
      }),
      { numRuns: 300 },
    );
  });
});
