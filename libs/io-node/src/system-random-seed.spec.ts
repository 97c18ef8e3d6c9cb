import { expect, it } from 'vitest';
import { systemRandomSeed } from './system-random-seed.ts';

it('draws seeds of 53 bits, each time another', () => {
  const seeds = Array.from({ length: 100 }, systemRandomSeed);
  for (const seed of seeds) expect(Number.isSafeInteger(seed) && seed >= 0).toBe(true);
  expect(new Set(seeds).size).toBe(seeds.length);
  expect(seeds.some((seed) => seed >= 2 ** 48)).toBe(true);
});
