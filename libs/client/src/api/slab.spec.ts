import { expect, it } from 'vitest';
import { Slab } from './slab.ts';

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

it('gives copies that no later one overwrites, of every size', () => {
  const slab = new Slab();
  const sources = Array.from({ length: 500 }, (_, i) => filled((i * 37) % 3000, i % 251));
  const copies = sources.map((source) => slab.copy(source));
  for (const [i, copy] of copies.entries()) expect(copy).toEqual(filled((i * 37) % 3000, i % 251));
});

it('is no view of what it copied', () => {
  const source = filled(10, 1);
  const copy = new Slab().copy(source);
  source.fill(2);
  expect(copy).toEqual(filled(10, 1));
});

it('keeps alive 16 KiB at most for a small value, and nothing more than itself for a large one', () => {
  const slab = new Slab();
  for (let i = 0; i < 1000; i++) expect(slab.copy(filled(200, 1)).buffer.byteLength).toBe(16 * 1024);
  expect(slab.copy(filled(2048, 1)).buffer.byteLength).toBe(16 * 1024);
  expect(slab.copy(filled(2049, 1)).buffer.byteLength).toBe(2049);
});
