import { utf8 } from '@holdfast/io';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Arena } from './arena.ts';
import { Memtable } from './memtable.ts';
import { WriteBatch } from './write-batch.ts';

const right = new WriteBatch();
right.put(utf8('key'), 7, utf8('value'));
right.delete(utf8('other'), 8);
right.deleteRange(utf8('a'), undefined, 9);
right.mark(3, utf8('mark'));

/** The bytes of a batch come from a log whose checksum was right, so this is the last line of defence. */
it('a batch is decoded whole or refused, and what was decoded can be applied', () => {
  const bytes = right.encoded().slice();
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
  const almost = fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const wrong = bytes.slice();
    for (const [at, value] of changes) wrong[at] = value;
    return wrong;
  });
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), almost), (records) => {
      const batch = new WriteBatch();
      if (!batch.decode(records)) {
        refused++;
        expect(batch.count).toBe(0);
        return;
      }
      expect(batch.encoded()).toEqual(records);
      new Memtable(new Arena(4_096)).apply(batch, new Map());
    }),
    { numRuns: 5_000 },
  );
  expect(refused).toBeGreaterThan(1_000);
});
