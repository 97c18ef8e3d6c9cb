import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Found } from '../memtable/memtable.ts';
import { compareRanges } from '../read/compare.ts';
import type { Source } from '../read/source.ts';
import { BlockCursor } from './block-cursor.ts';
import { findInBlock, PRESENT } from './block-search.ts';
import { BlockWriter } from './block-writer.ts';

interface Version {
  readonly key: Uint8Array;
  readonly revision: number;
}

/** Few different bytes, so that prefixes, equal heads and several versions of a key are common. */
const aKey = fc
  .array(fc.constantFrom(0, 1, 0x61, 0xff), { minLength: 1, maxLength: 9 })
  .map((bytes) => Uint8Array.from(bytes));
const aVersion = fc.record({ key: aKey, revision: fc.integer({ min: 0, max: 5 }) });
/** A prefix in front of all keys of the block, so that they have bytes in common. */
const aBlock = fc.record({
  prefix: fc.constantFrom('', 'a', 'abc'),
  versions: fc.array(aVersion, { minLength: 1, maxLength: 150 }),
  restartInterval: fc.integer({ min: 1, max: 6 }),
});

function order(a: Version, b: Version): number {
  return compareRanges(a.key, 0, a.key.length, b.key, 0, b.key.length) || b.revision - a.revision;
}

function prefixed(prefix: string, key: Uint8Array): Uint8Array {
  return Uint8Array.from([...new TextEncoder().encode(prefix), ...key]);
}

function written({
  prefix,
  versions,
  restartInterval,
}: typeof aBlock extends fc.Arbitrary<infer T> ? T : never) {
  const sorted = versions
    .map(({ key, revision }) => ({ key: prefixed(prefix, key), revision }))
    .sort(order)
    .filter((version, i, all) => i === 0 || order(all[i - 1]!, version) !== 0);
  const writer = new BlockWriter(new Uint8Array(64), restartInterval);
  // A block in the middle of others: offsets count from its own start.
  writer.length = 5;
  writer.begin();
  for (const { key, revision } of sorted) writer.add(key, 0, key.length, revision, 1, key, 0, key.length);
  const { start } = writer.finish();
  return { sorted, data: writer.bytes, start, end: writer.length };
}

describe('a block', () => {
  it('is searched as its sorted entries are', () => {
    const isAsked = fc.tuple(aBlock, fc.boolean(), aVersion).map(([block, hasPrefix, { key, revision }]) => ({
      block,
      wanted: { key: hasPrefix ? prefixed(block.prefix, key) : key, revision },
    }));
    fc.assert(
      fc.property(isAsked, ({ block, wanted }) => {
        const { sorted, data, start, end } = written(block);
        const behind = sorted.findIndex((version) => order(version, wanted) >= 0);

        const found = new Found();
        const result = findInBlock(data, start, end, wanted.key, wanted.revision, 0, found);
        const expected = sorted[behind];
        const isThere =
          expected !== undefined && order({ ...expected, revision: 0 }, { ...wanted, revision: 0 }) === 0;
        expect(result === PRESENT).toBe(isThere);
        if (isThere) {
          expect(found.revision).toBe(expected.revision);
          expect(found.value.slice(found.valueStart, found.valueEnd)).toEqual(expected.key);
        }

        const owner = { key: data, keyStart: 0, keyEnd: 0, revision: 0 } as Source;
        const standing = (): Version => ({
          key: owner.key.slice(owner.keyStart, owner.keyEnd),
          revision: owner.revision,
        });
        const cursor = new BlockCursor(owner);
        cursor.open(data, start, end);
        expect(cursor.seek(wanted.key, wanted.revision) ? standing() : undefined).toEqual(expected);
        const before = sorted.findLast((version) => order(version, wanted) < 0);
        expect(cursor.seekBefore(wanted.key, wanted.revision) ? standing() : undefined).toEqual(before);
      }),
      { numRuns: 2_000 },
    );
  });
});
