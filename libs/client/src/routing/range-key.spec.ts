import { compareBytes } from '@holdfast/io';
import { KEY_BYTES_MAX } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { keyBehind } from './range-key.ts';

describe('the key behind another', () => {
  it('is the next one that can exist', () => {
    expect(keyBehind(Uint8Array.of(1, 2))).toEqual(Uint8Array.of(1, 2, 0));
    expect(keyBehind(new Uint8Array(0))).toEqual(Uint8Array.of(0));
  });

  it('is no longer than a key may be', () => {
    const longest = new Uint8Array(KEY_BYTES_MAX).fill(7);
    const next = keyBehind(longest)!;
    expect(next.length).toBeLessThanOrEqual(KEY_BYTES_MAX);
    expect(compareBytes(next, longest)).toBeGreaterThan(0);
  });

  it('is none behind the last one', () => {
    expect(keyBehind(new Uint8Array(KEY_BYTES_MAX).fill(0xff))).toBeUndefined();
  });
});
