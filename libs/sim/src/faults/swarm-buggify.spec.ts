import { Prng } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { Coverage } from '../checkers/violation.ts';
import { SwarmBuggify } from './swarm-buggify.ts';

const POINTS = ['early', 'late', 'lost', 'small', 'large'] as const;

/** What a seed's run does at each point, asked a thousand times. */
function counts(seed: number): { readonly coverage: Coverage; readonly buggify: SwarmBuggify<string> } {
  const coverage = new Coverage();
  const buggify = new SwarmBuggify<string>(POINTS, new Prng(seed), coverage);
  for (let i = 0; i < 1_000; i++) for (const point of POINTS) buggify.ask(point);
  return { coverage, buggify };
}

describe('SwarmBuggify', () => {
  it('gives quiet runs, and runs with some points of different frequency', () => {
    const sizes = new Set<number>();
    const seen = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const { coverage, buggify } = counts(seed);
      const hit = coverage.entries();
      sizes.add(hit.length);
      for (const [name] of hit) seen.add(name);
      expect(buggify.log).toHaveLength(hit.length);
    }
    expect(sizes).toContain(0);
    expect(sizes.size).toBeGreaterThan(3);
    expect(seen).toEqual(new Set(POINTS.map((point) => `buggify: ${point}`)));
  });

  it('does the same for the same seed, and nothing after the heal', () => {
    const seed = Array.from({ length: 100 }, (_, i) => i).find((i) => counts(i).buggify.log.length > 1)!;
    const { coverage, buggify } = counts(seed);
    expect(counts(seed).coverage.entries()).toEqual(coverage.entries());
    const before = coverage.entries();
    buggify.heal();
    for (let i = 0; i < 1_000; i++) for (const point of POINTS) expect(buggify.ask(point)).toBe(false);
    expect(coverage.entries()).toEqual(before);
  });
});
