import { describe, expect, it } from 'vitest';
import { frameMemory } from './frame-memory.ts';

describe('frameMemory', () => {
  it('gives zero memory that nobody else has, whatever the sizes', () => {
    const taken: { readonly content: Uint8Array; readonly mark: number }[] = [];
    for (let i = 0; i < 2_000; i++) {
      const length = (i * 37) % 3_000;
      const { bytes, view, start } = frameMemory(length);
      const content = bytes.subarray(start, start + length);
      expect(content).toHaveLength(length);
      expect(content.every((byte) => byte === 0)).toBe(true);
      expect(view.byteLength).toBe(bytes.length);
      content.fill((i % 255) + 1);
      taken.push({ content, mark: (i % 255) + 1 });
    }
    expect(taken.every(({ content, mark }) => content.every((byte) => byte === mark))).toBe(true);
  });

  it('lets a large frame keep nothing but its own memory', () => {
    expect(frameMemory(100_000).bytes).toHaveLength(100_000);
  });
});
