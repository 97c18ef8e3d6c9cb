import { utf8 } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { hashKey } from '../table/bloom.ts';
import { KeyFilter } from './key-filter.ts';

function hashOf(name: string): number {
  const key = utf8(name);
  return hashKey(key, 0, key.length);
}

describe('KeyFilter', () => {
  const keys = 4_096;
  // Records of 128 bytes each.
  const filter = new KeyFilter(keys * 128);
  for (let i = 0; i < keys; i++) filter.add(hashOf(`key ${i}`));

  it('knows every key, and few strangers', () => {
    let wrong = 0;
    for (let i = 0; i < keys; i++) {
      expect(filter.mayHold(hashOf(`key ${i}`))).toBe(true);
      if (filter.mayHold(hashOf(`stranger ${i}`))) wrong++;
    }
    expect(wrong / keys).toBeLessThan(0.04);
    expect(wrong).toBeGreaterThan(0);
  });

  it('forgets everything', () => {
    const other = new KeyFilter(1);
    for (let i = 0; i < 1_000; i++) other.add(hashOf(`key ${i}`));
    expect(other.mayHold(hashOf('key 7'))).toBe(true);
    other.clear();
    for (let i = 0; i < 1_000; i++) expect(other.mayHold(hashOf(`key ${i}`))).toBe(false);
  });
});
