import { describe, expect, it } from 'vitest';
import { TapeTest } from '../testing/tape.ts';

const run = (test: (t: TapeTest) => unknown): Promise<void> => new TapeTest().run((t) => test(t as TapeTest));

describe('the bridge from tape to Vitest', () => {
  it('passes what passes', async () => {
    await run(async (t) => {
      t.plan(3);
      t.is(Number.NaN, Number.NaN);
      t.same({ a: [1] }, { a: [1] });
      t.throws(
        () => {
          throw new TypeError('x');
        },
        (error) => error instanceof TypeError,
      );
    });
    await run((t) => {
      t.ok(1);
      t.end();
    });
    await run((t) => {
      t.plan(1);
      setTimeout(() => t.pass(), 1);
    });
  });

  it.each<[string, (t: TapeTest) => unknown]>([
    ['a failed assertion', async (t) => t.is(1, 2, 'one is two')],
    [
      'a failed assertion whose error is swallowed',
      async (t) =>
        Promise.resolve()
          .then(() => t.fail())
          .catch(() => {}),
    ],
    ['a deep difference', async (t) => t.same({ a: [1] }, { a: ['1'] })],
    ['an assertion too few', async (t) => t.plan(1)],
    ['an assertion too many', async (t) => (t.plan(1), t.pass(), t.pass())],
    ['a rejection', async () => Promise.reject(new Error('no'))],
    ['an exception', () => JSON.parse('{')],
    [
      'the wrong exception',
      async (t) =>
        t.throws(
          () => JSON.parse('{'),
          (error) => error instanceof RangeError,
        ),
    ],
    ['no exception', async (t) => t.throws(() => undefined)],
    ['an error given to end', (t) => t.end(new Error('no'))],
  ])('fails on %s', async (_name, test) => {
    await expect(run(test)).rejects.toThrow();
  });

  it('names every failed assertion', async () => {
    await expect(run(async (t) => (t.fail('first'), t.fail('second')))).rejects.toThrow('first; second');
  });
});
