import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runPart, STRESS_MS_MAX } from '../../testing/stress-parts.ts';
import { ABSENT, allocateMap, FULL, MAP_WORD_MAX, SharedMap } from './shared-map.ts';

describe('SharedMap', () => {
  it('holds the extreme keys and values apart', () => {
    const map = new SharedMap(allocateMap(50));
    const words = [0, 1, 2 ** 31 - 1, 2 ** 31, MAP_WORD_MAX];
    for (const high of words) for (const low of words) expect(map.set(high, low, low)).toBe(ABSENT);
    for (const high of words) for (const low of words) expect(map.get(high, low)).toBe(low);
    expect(map.size).toBe(25);
    expect(() => map.set(0, 2 ** 32 - 1, 0)).toThrow(/two words/);
    expect(() => map.set(0, 0, 2 ** 32 - 1)).toThrow(/32 bits/);
  });

  it('is full at its limit, and goes on serving the keys it knows', () => {
    const map = new SharedMap(allocateMap(12));
    for (let key = 0; key < 12; key++) expect(map.set(0, key, key)).toBe(ABSENT);
    expect(map.set(0, 12, 0)).toBe(FULL);
    expect(map.compareAndSet(0, 13, ABSENT, 0)).toBe(FULL);
    expect(map.delete(0, 3)).toBe(3);
    expect(map.set(0, 12, 0)).toBe(FULL);
    expect(map.set(0, 3, 33)).toBe(ABSENT);
    expect(map.set(0, 4, 44)).toBe(4);
    map.clear();
    expect(map.set(0, 12, 1)).toBe(ABSENT);
    expect(map.size).toBe(1);
  });

  it('agrees with a Map under any operations', () => {
    const key = fc.nat({ max: 30 });
    const operation = fc.record({
      kind: fc.constantFrom('set', 'delete', 'get', 'cas', 'deleteIf'),
      high: fc.nat({ max: 2 }),
      low: key,
      value: fc.nat({ max: 3 }),
      expected: fc.integer({ min: -1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const map = new SharedMap(allocateMap(100));
        const model = new Map<number, number>();
        for (const { kind, high, low, value, expected } of operations) {
          const id = high * 100 + low;
          const before = model.get(id) ?? ABSENT;
          if (kind === 'set') {
            expect(map.set(high, low, value)).toBe(before);
            model.set(id, value);
          } else if (kind === 'delete') {
            expect(map.delete(high, low)).toBe(before);
            model.delete(id);
          } else if (kind === 'get') {
            expect(map.get(high, low)).toBe(before);
          } else if (kind === 'cas') {
            expect(map.compareAndSet(high, low, expected, value)).toBe(before);
            if (before === expected) model.set(id, value);
          } else {
            expect(map.deleteIf(high, low, value)).toBe(before === value);
            if (before === value) model.delete(id);
          }
          expect(map.size).toBe(model.size);
        }
      }),
      { numRuns: 200 },
    );
  });

  it(
    'gives every key to one of the threads that insert it',
    async () => {
      const keys = 60_000;
      const map = allocateMap(keys);
      const won = await Promise.all(
        [0, 1, 2].map((thread) => runPart({ kind: 'map-insert', map, keys, thread })),
      );
      expect(won.reduce<number>((sum, count) => sum + Number(count), 0)).toBe(keys);
      expect(new SharedMap(map).size).toBe(keys);
    },
    STRESS_MS_MAX,
  );

  it(
    'never mixes keys up while threads set, delete and read',
    async () => {
      const keys = 2_000;
      const map = allocateMap(keys);
      const balances = await Promise.all(
        [0, 1, 2].map((thread) =>
          runPart({ kind: 'map', map, rounds: 150_000, keys, thread, seed: thread + 5 }),
        ),
      );
      const shared = new SharedMap(map);
      expect(shared.size).toBe(balances.reduce<number>((sum, balance) => sum + Number(balance), 0));
      let found = 0;
      for (let key = 0; key < keys; key++) found += shared.get(key % 64, key >> 6) === ABSENT ? 0 : 1;
      expect(found).toBe(shared.size);
    },
    STRESS_MS_MAX,
  );
});
