import fc from 'fast-check';
import { expect, it } from 'vitest';
import { linesOf } from './lines-of.ts';

it('gives the same lines, wherever the stream is cut', async () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' ') });
  await fc.assert(
    fc.asyncProperty(
      fc.array(line),
      fc.constantFrom('\n', '\r\n'),
      fc.integer({ min: 1, max: 7 }),
      async (lines, end, size) => {
        const bytes = Buffer.from(lines.map((one) => one + end).join(''));
        const pieces = async function* () {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        };
        const seen: string[] = [];
        for await (const one of linesOf(pieces())) seen.push(one);
        expect(seen).toEqual(lines);
      },
    ),
  );
});

it('gives a last line without an end, and refuses one that never ends', async () => {
  const of = async (...texts: readonly string[]): Promise<string[]> => {
    const pieces = async function* () {
      for (const text of texts) yield Buffer.from(text);
    };
    const seen: string[] = [];
    for await (const one of linesOf(pieces())) seen.push(one);
    return seen;
  };
  expect(await of('a\n', 'b')).toEqual(['a', 'b']);
  expect(await of('')).toEqual([]);
  await expect(of(...Array.from({ length: 10 }, () => 'x'.repeat(1024 * 1024)))).rejects.toThrow('more than');
});
