import { HoldfastError, type Outcome } from '@holdfast/wire';
import type { Written } from './keyspace.ts';

/**
 * Some entries of a `setMany` failed. Code and cause are those of the first failure; the outcome is that of the whole:
 * `not_applied` only when no entry can have been written.
 */
export class BatchWriteError extends HoldfastError {
  override readonly name: string = 'BatchWriteError';
  /** What became of each entry, in the order in which they were given. */
  readonly results: readonly (Written | HoldfastError)[];

  constructor(results: readonly (Written | HoldfastError)[]) {
    const failures = results.filter((result) => result instanceof HoldfastError);
    const [first] = failures;
    super(first?.code ?? 'HF_INTERNAL', {
      detail: `${failures.length} of ${results.length} entries failed; first: ${first?.message ?? 'none'}`,
      outcome: outcomeOf(results.length, failures),
      cause: first,
    });
    this.results = results;
  }
}

function outcomeOf(count: number, failures: readonly HoldfastError[]): Outcome {
  if (failures.some((failure) => failure.outcome === 'unknown')) return 'unknown';
  return failures.length === count ? 'not_applied' : 'unknown';
}
