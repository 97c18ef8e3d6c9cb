import { compareBytes, type KeyspaceId, type NodeId, rangeId, utf8 } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundInKeyspace, compareToBound, rangeKey } from './range-key.ts';
import { clipScan, type RangeEntry, RangeMap } from './range-map.ts';

const KEYSPACE = 7 as KeyspaceId;
const NO_BYTES = new Uint8Array(0);
const key = fc.uint8Array({ maxLength: 4 });
const keyspace = fc.constantFrom(0, 1, 7, 8, 255, 256, 2 ** 31, 2 ** 32 - 1).map((id) => id as KeyspaceId);

const range = (id: number, start: Uint8Array, end: Uint8Array): RangeEntry => ({
  rangeId: rangeId(id),
  start,
  end,
  replicas: [1 as NodeId],
  leaderHint: 0,
});

/** Ranges between the bounds given, sorted; some left out when `holes`. */
const mapOf = (bounds: readonly Uint8Array[], holes: readonly boolean[] = []): RangeMap => {
  const sorted = [...bounds]
    .sort(compareBytes)
    .filter((bound, i, all) => i === 0 || compareBytes(bound, all[i - 1]) !== 0);
  const edges = [NO_BYTES, ...sorted.filter((bound) => bound.length > 0), NO_BYTES];
  const ranges = edges
    .slice(0, -1)
    .map((start, i) => range(i + 1, start, edges[i + 1]))
    .filter((_, i) => holes[i] !== true);
  return new RangeMap({ generation: 1, nodes: [], ranges: ranges.toReversed(), keyspaces: [] });
};

const contains = (entry: RangeEntry, id: KeyspaceId, bytes: Uint8Array): boolean => {
  const whole = rangeKey(id, bytes);
  return (
    compareBytes(whole, entry.start) >= 0 && (entry.end.length === 0 || compareBytes(whole, entry.end) < 0)
  );
};

describe('compareToBound', () => {
  it('agrees with comparing the joined bytes', () => {
    fc.assert(
      fc.property(keyspace, key, fc.uint8Array({ maxLength: 9 }), (id, bytes, bound) => {
        expect(Math.sign(compareToBound(id, bytes, bound))).toBe(
          Math.sign(compareBytes(rangeKey(id, bytes), bound)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('orders a keyspace above 2^31 behind the others', () => {
    expect(
      compareToBound((2 ** 31) as KeyspaceId, NO_BYTES, rangeKey(7 as KeyspaceId, utf8('z'))),
    ).toBeGreaterThan(0);
  });
});

describe('RangeMap.find', () => {
  it('gives the range that a linear search gives, or a hole', () => {
    const bounds = fc.array(
      fc.tuple(keyspace, key).map(([id, bytes]) => rangeKey(id, bytes)),
      { maxLength: 12 },
    );
    const holes = fc.array(fc.boolean(), { maxLength: 13 });
    fc.assert(
      fc.property(bounds, holes, keyspace, key, (edges, missing, id, bytes) => {
        const map = mapOf(edges, missing);
        expect(map.find(id, bytes)).toBe(map.ranges.findIndex((entry) => contains(entry, id, bytes)));
      }),
      { numRuns: 2000 },
    );
  });

  it('stands at every bound on the right side', () => {
    const map = mapOf([rangeKey(KEYSPACE, utf8('c')), rangeKey(KEYSPACE, utf8('k'))]);
    const ids = ['', 'b', 'bz', 'c', 'c0', 'j', 'k', 'z'].map(
      (text) => map.ranges[map.find(KEYSPACE, utf8(text))]?.rangeId,
    );
    expect(ids).toEqual([1, 1, 1, 2, 2, 2, 3, 3]);
  });
});

describe('RangeMap.findBefore', () => {
  it('gives the range with the last keys before an end', () => {
    const map = mapOf([
      rangeKey(KEYSPACE, utf8('c')),
      rangeKey(KEYSPACE, utf8('k')),
      rangeKey(8 as KeyspaceId, NO_BYTES),
    ]);
    const ids = ['b', 'c', 'c0', 'k', 'z', ''].map(
      (text) => map.ranges[map.findBefore(KEYSPACE, utf8(text))]?.rangeId,
    );
    expect(ids).toEqual([1, 1, 2, 2, 3, 3]);
  });

  it('sees a hole before the end', () => {
    const map = mapOf([rangeKey(KEYSPACE, utf8('c')), rangeKey(KEYSPACE, utf8('k'))], [false, true]);
    expect(map.findBefore(KEYSPACE, utf8('h'))).toBe(-1);
    expect(map.ranges[map.findBefore(KEYSPACE, utf8('c'))]?.rangeId).toBe(1);
  });
});

describe('clipScan', () => {
  it('cuts at the bounds of the range, and says where to go on', () => {
    const middle = range(2, rangeKey(KEYSPACE, utf8('c')), rangeKey(KEYSPACE, utf8('k')));
    const forward = clipScan(middle, KEYSPACE, utf8('d'), utf8('z'), false);
    expect(forward).toEqual({ start: utf8('d'), end: utf8('k'), next: utf8('k') });
    expect(clipScan(middle, KEYSPACE, utf8('d'), utf8('k'), false).next).toBeUndefined();
    const reverse = clipScan(middle, KEYSPACE, utf8('a'), utf8('j'), true);
    expect(reverse).toEqual({ start: utf8('c'), end: utf8('j'), next: utf8('c') });
    expect(clipScan(middle, KEYSPACE, utf8('c'), utf8('j'), true).next).toBeUndefined();
  });

  it('does not leave the keyspace', () => {
    const wide = range(1, rangeKey(3 as KeyspaceId, NO_BYTES), rangeKey(9 as KeyspaceId, utf8('a')));
    expect(clipScan(wide, KEYSPACE, NO_BYTES, NO_BYTES, false).next).toBeUndefined();
    expect(clipScan(wide, KEYSPACE, NO_BYTES, NO_BYTES, true).next).toBeUndefined();
    expect(boundInKeyspace(KEYSPACE, rangeKey(8 as KeyspaceId, utf8('a')))).toBeUndefined();
  });
});
