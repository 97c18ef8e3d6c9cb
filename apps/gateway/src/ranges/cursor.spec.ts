import { utf8 } from '@holdfast/io';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from './cursor.ts';

const listing = utf8('users a-z');
const bytes = fc.uint8Array({ maxLength: 100 });

it('comes back as it was', () => {
  fc.assert(
    fc.property(bytes, bytes, fc.maxSafeNat(), (about, key, revision) => {
      const { key: again, revision: then } = decodeCursor(about, encodeCursor(about, { key, revision }));
      expect([...again]).toEqual([...key]);
      expect(then).toBe(revision);
    }),
  );
});

it('is refused with one character changed, cut or added', () => {
  const cursor = encodeCursor(listing, { revision: 12, key: utf8('m') });
  fc.assert(
    fc.property(fc.nat(cursor.length), fc.constantFrom('', 'A', '_', 'Qx', '='), (at, char) => {
      const changed = cursor.slice(0, at) + char + cursor.slice(at + 1);
      fc.pre(changed !== cursor);
      expect(() => decodeCursor(listing, changed)).toThrow('HF_BAD_REQUEST');
    }),
  );
  expect(() => decodeCursor(listing, '')).toThrow('HF_BAD_REQUEST');
});

it('is of one listing', () => {
  const cursor = encodeCursor(listing, { revision: 12, key: utf8('m') });
  expect(() => decodeCursor(utf8('users a-y'), cursor)).toThrow('another listing');
});
