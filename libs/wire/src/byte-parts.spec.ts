import { utf8 } from '@holdfast/io';
import { expect, it } from 'vitest';
import { ByteParts } from './byte-parts.ts';

it('copies its parts one behind the other, and forgets them', () => {
  const parts = new ByteParts();
  for (const text of ['one', '', 'two']) parts.append(utf8(text));
  const target = new Uint8Array(8);
  parts.copyTo(target, 1);
  expect(parts.length).toBe(6);
  expect(Buffer.from(target).toString('latin1')).toBe('\0onetwo\0');
  parts.reset();
  expect(parts.length).toBe(0);
});
