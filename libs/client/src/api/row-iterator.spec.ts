import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowIterator, type RowSource } from './row-iterator.ts';

/** Pages of numbers; a text is a row that can not be read, an error a page that does not come. */
type Page = readonly (number | string)[] | Error;

class Pages implements RowSource<number> {
  readonly #pages: Page[];
  #rows: (number | string)[] = [];
  loads = 0;

  constructor(pages: readonly Page[]) {
    this.#pages = [...pages];
  }

  take(): number | undefined {
    const row = this.#rows.shift();
    if (typeof row === 'string') throw new Error(row);
    return row;
  }

  async load(): Promise<boolean> {
    this.loads++;
    await Promise.resolve();
    const page = this.#pages.shift();
    if (page instanceof Error) throw page;
    if (page === undefined) return false;
    this.#rows = [...page];
    return true;
  }
}

async function* generated(source: RowSource<number>): AsyncGenerator<number, void, undefined> {
  while (await source.load()) {
    for (let row = source.take(); row !== undefined; row = source.take()) yield row;
  }
}

const page: fc.Arbitrary<Page> = fc.oneof(
  { weight: 8, arbitrary: fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat() }, fc.constant('bad row'))) },
  fc.constant(new Error('bad page')),
);
const calls = fc.array(fc.oneof({ weight: 8, arbitrary: fc.constant('next') }, fc.constant('settle')), {
  maxLength: 40,
});

/** What each call gave, when some are made before the ones before them have ended. */
async function outcomes(
  rows: AsyncGenerator<number, void, undefined>,
  script: readonly string[],
): Promise<unknown[]> {
  const results: Promise<unknown>[] = [];
  for (const step of script) {
    if (step === 'next') results.push(rows.next().catch((error: unknown) => String(error)));
    else await Promise.all(results);
  }
  return Promise.all(results);
}

describe('RowIterator', () => {
  it('gives what a generator over the same pages gives, however it is called', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(page, { maxLength: 6 }), calls, async (pages, script) => {
        const expected = await outcomes(generated(new Pages(pages)), script);
        expect(await outcomes(new RowIterator(new Pages(pages)), script)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('asks for nothing before its first row is asked for, and for nothing after it was left', async () => {
    const pages = new Pages([[1, 2], [3]]);
    const rows = new RowIterator(pages);
    expect(pages.loads).toBe(0);
    for await (const row of rows) if (row === 2) break;
    expect(await rows.next()).toEqual({ done: true, value: undefined });
    expect(pages.loads).toBe(1);
    await expect(new RowIterator(pages).throw(new Error('no'))).rejects.toThrow('no');
  });

  it('ends when it is disposed of', async () => {
    const rows = new RowIterator(new Pages([[1, 2]]));
    await rows.next();
    await rows[Symbol.asyncDispose]();
    expect(await rows.next()).toEqual({ done: true, value: undefined });
  });
});
