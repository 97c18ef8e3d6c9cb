import { isDeepStrictEqual } from 'node:util';
import { it } from 'vitest';

/**
 * The part of tape's interface that the conformance suite of `abstract-level` uses, for Vitest.
 *
 * As in tape, a failed assertion does not throw: it is remembered, and the test fails with all of them when it
 * ends. A test ends when its promise settles; one without a promise, when `end` was called or the plan is
 * fulfilled. Ending with fewer or more assertions than planned is a failure, and so is an assertion after the end.
 */
export class TapeTest {
  readonly #failures: Error[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #assertions = 0;
  #planned: number | undefined;
  #isOver = false;

  plan(count: number): void {
    this.#planned = count;
  }

  end(error?: Error | null): void {
    if (error) this.fail(error.message);
    this.#ended.resolve();
  }

  pass(message = 'pass'): void {
    this.#check(true, message);
  }

  fail(message = 'fail'): void {
    this.#check(false, message);
  }

  ok(value: unknown, message = 'should be truthy'): void {
    this.#check(Boolean(value), message, value);
  }

  is(actual: unknown, expected: unknown, message = 'should be the same'): void {
    this.#check(Object.is(actual, expected), message, actual, expected);
  }

  isNot(actual: unknown, expected: unknown, message = 'should not be the same'): void {
    this.#check(!Object.is(actual, expected), message, actual, expected);
  }

  same(actual: unknown, expected: unknown, message = 'should be equal in depth'): void {
    this.#check(isDeepStrictEqual(actual, expected), message, actual, expected);
  }

  throws(run: () => unknown, isExpected?: (error: unknown) => boolean, message = 'should throw'): void {
    try {
      run();
    } catch (error) {
      this.#check(isExpected === undefined || isExpected(error), message, error);
      return;
    }
    this.#check(false, message);
  }

  doesNotThrow(run: () => unknown, message = 'should not throw'): void {
    try {
      run();
    } catch (error) {
      this.#check(false, message, error);
      return;
    }
    this.#check(true, message);
  }

  /** Runs the test to its end. @throws what it threw, or all assertions that failed. */
  async run(test: (t: object) => unknown): Promise<void> {
    try {
      const result = test(this);
      if (isThenable(result)) await result;
      else await this.#ended.promise;
    } finally {
      this.#isOver = true;
    }
    if (this.#planned !== undefined && this.#planned !== this.#assertions) {
      this.#failures.push(new Error(`planned ${this.#planned} assertions, made ${this.#assertions}`));
    }
    const [first, ...others] = this.#failures;
    if (first === undefined) return;
    throw others.length === 0 ? first : new AggregateError(this.#failures, messagesOf(this.#failures));
  }

  #check(isTrue: boolean, message: string, actual?: unknown, expected?: unknown): void {
    if (this.#isOver) throw new Error(`an assertion after the end of the test: ${message}`);
    this.#assertions++;
    if (!isTrue) this.#failures.push(Object.assign(new Error(message), { actual, expected }));
    if (this.#assertions === this.#planned) this.#ended.resolve();
  }
}

/** Registers one test of the suite with Vitest. */
export function tapeTest(name: string, run: (t: object) => unknown): void {
  it(name, () => new TapeTest().run(run));
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

function messagesOf(failures: readonly Error[]): string {
  return failures.map(({ message }) => message).join('; ');
}
