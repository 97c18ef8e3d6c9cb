import { compareBytes, Prng, randomInteger, utf8 } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { REVISION_MAX } from '../limits.ts';
import { ENTRY } from '../read/source.ts';
import { Arena } from './arena.ts';
import { Found, Memtable } from './memtable.ts';
import { MemtableCursor } from './memtable-cursor.ts';
import { WriteBatch } from './write-batch.ts';

interface Row {
  readonly key: Uint8Array;
  readonly revision: number;
  readonly order: number;
}

function sorted(rows: readonly Row[]): readonly Row[] {
  return [...rows].sort((a, b) => compareBytes(a.key, b.key) || b.revision - a.revision || b.order - a.order);
}

function fill(rows: readonly Row[]): Memtable {
  const memtable = new Memtable(new Arena(1 << 21));
  const batch = new WriteBatch();
  for (const { key, revision, order } of rows) {
    batch.clear();
    batch.put(key, revision, utf8(String(order)));
    memtable.apply(batch, new Map());
  }
  return memtable;
}

const shapes: Readonly<Record<string, (i: number, random: Prng) => Uint8Array>> = {
  ascending: (i) => utf8(String(i).padStart(16, '0')),
  descending: (i) => utf8(String(100_000 - i).padStart(16, '0')),
  random: (_, random) => utf8(String(randomInteger(random, 0, 1e9)).padStart(16, '0')),
  'few keys, many versions': (_, random) => utf8(`key${randomInteger(random, 0, 3)}`),
  'bytes at the borders': (_, random) =>
    Uint8Array.from({ length: randomInteger(random, 1, 9) }, () =>
      randomInteger(random, 0, 1) === 0 ? 0 : 0xff,
    ),
};

describe('RecordTree', () => {
  for (const [name, shape] of Object.entries(shapes)) {
    it(`keeps order: ${name}`, () => {
      const random = new Prng(11);
      const rows = Array.from({ length: 5_000 }, (_, order) => ({
        key: shape(order, random),
        revision: randomInteger(random, 0, 50),
        order,
      }));
      const memtable = fill(rows);
      const expected = sorted(rows);
      const cursor = new MemtableCursor(memtable, Number.MAX_SAFE_INTEGER);
      const read = (): string =>
        `${cursor.key.subarray(cursor.keyStart, cursor.keyEnd).join()}@${cursor.revision}=${new TextDecoder().decode(
          cursor.value.subarray(cursor.valueStart, cursor.valueEnd),
        )}`;
      const text = ({ key, revision, order }: Row): string => `${key.join()}@${revision}=${order}`;
      const forwards: string[] = [];
      for (let here = cursor.seekFirst() === ENTRY; here; here = cursor.next() === ENTRY)
        forwards.push(read());
      expect(forwards).toEqual(expected.map(text));
      const backwards: string[] = [];
      for (let here = cursor.seekLast() === ENTRY; here; here = cursor.previous() === ENTRY)
        backwards.push(read());
      expect(backwards.reverse()).toEqual(forwards);
      for (let i = 0; i < 500; i++) {
        const key = shape(randomInteger(random, 0, 6_000), random);
        const revision = randomInteger(random, 0, 60);
        const wanted = expected.find((row) => {
          const order = compareBytes(row.key, key);
          return order > 0 || (order === 0 && row.revision <= revision);
        });
        expect(cursor.seek(key, revision) === ENTRY ? read() : undefined).toEqual(wanted && text(wanted));
      }
    });
  }

  it('shows a reader nothing that was written after it came', () => {
    const memtable = fill([{ key: utf8('a'), revision: 1, order: 1 }]);
    const top = memtable.top;
    const cursor = new MemtableCursor(memtable, top);
    expect(cursor.seekFirst()).toBe(ENTRY);
    const batch = new WriteBatch();
    for (let i = 0; i < 1_000; i++) batch.put(utf8(`a${i}`), 2, utf8('later'));
    batch.put(utf8('a'), 1, utf8('rewritten'));
    memtable.apply(batch, new Map());
    expect(cursor.next()).not.toBe(ENTRY);
    const found = new Found();
    expect(memtable.find(utf8('a'), REVISION_MAX, top, found)).toBe(true);
    expect(found.valueEnd - found.valueStart).toBe(1);
    expect(memtable.find(utf8('a'), REVISION_MAX, Number.MAX_SAFE_INTEGER, found)).toBe(true);
    expect(found.valueEnd - found.valueStart).toBe('rewritten'.length);
  });
});
