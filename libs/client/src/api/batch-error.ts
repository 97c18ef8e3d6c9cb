import { HoldfastError, type Outcome } from '@holdfast/wire';
import type { Written } from './keyspace.ts';

/**
 * Some operations of a batch failed. Code and cause are those of the first failure; the outcome is that of the whole:
 * `not_applied` only when nothing can have been written.
 */
export class BatchError extends HoldfastError {
  override readonly name: string = 'BatchError';
  /** What became of each operation, in the order in which they were given: its result, or why it failed. */
  readonly results: readonly unknown[];

  /** @param wrote whether the operation at this place, which did not fail, was a write. */
  constructor(results: readonly unknown[], wrote: (index: number) => boolean) {
    const failures = results.filter((result) => result instanceof HoldfastError);
    const [first] = failures;
    super(first?.code ?? 'HF_INTERNAL', {
      detail: `${failures.length} of ${results.length} entries failed; first: ${first?.message ?? 'none'}`,
      outcome: outcomeOf(results, wrote),
      cause: first,
    });
    this.results = results;
  }
}

/** Some entries of a `setMany` failed. */
export class BatchWriteError extends BatchError {
  override readonly name: string = 'BatchWriteError';
  declare readonly results: readonly (Written | HoldfastError)[];

  constructor(results: readonly (Written | HoldfastError)[]) {
    super(results, () => true);
  }
}

function outcomeOf(results: readonly unknown[], wrote: (index: number) => boolean): Outcome {
  const nothing = results.every((result, index) =>
    result instanceof HoldfastError ? result.outcome === 'not_applied' : !wrote(index),
  );
  return nothing ? 'not_applied' : 'unknown';
}
