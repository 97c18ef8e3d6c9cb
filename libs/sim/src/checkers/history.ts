/**
 * What clients did and saw. Every invocation and every completion takes the next number of one sequence, so
 * "before" is exact: an operation precedes another when its `completed` is below the other's `invoked`.
 */
export type RegisterCall =
  | { readonly kind: 'get' }
  | { readonly kind: 'put'; readonly value: string }
  | { readonly kind: 'delete' }
  /** Writes `value` if the present value is `expected` (undefined: if the key is absent). */
  | { readonly kind: 'cas'; readonly expected: string | undefined; readonly value: string };

/** `revision`, where it is known, is that of the value seen or written; 0 when the key is absent. */
export type RegisterResult =
  | { readonly kind: 'value'; readonly value: string | undefined; readonly revision?: number }
  | { readonly kind: 'done'; readonly revision?: number }
  /** The comparison of a `cas` did not hold. */
  | { readonly kind: 'mismatch'; readonly revision?: number };

/**
 * `ok`: took effect, with `result`. `fail`: certainly never takes effect. `info`: unknown; it may take effect
 * at any later time or never. `open`: still running.
 */
export type Outcome = 'ok' | 'fail' | 'info' | 'open';

export interface Operation<Call = RegisterCall, Result = RegisterResult> {
  readonly process: number;
  readonly key: string;
  readonly call: Call;
  readonly invoked: number;
  readonly startUs: number;
  completed: number;
  endUs: number;
  outcome: Outcome;
  result: Result | undefined;
}

/** Collects operations while they run. */
export class History<Call = RegisterCall, Result = RegisterResult> {
  readonly operations: Operation<Call, Result>[] = [];
  readonly #nowUs: () => number;
  #sequence = 0;

  /** @param nowUs true virtual time, microseconds. */
  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  invoke(process: number, key: string, call: Call): Operation<Call, Result> {
    const operation: Operation<Call, Result> = {
      process,
      key,
      call,
      invoked: ++this.#sequence,
      startUs: this.#nowUs(),
      completed: Number.POSITIVE_INFINITY,
      endUs: Number.POSITIVE_INFINITY,
      outcome: 'open',
      result: undefined,
    };
    this.operations.push(operation);
    return operation;
  }

  ok(operation: Operation<Call, Result>, result: Result): void {
    operation.result = result;
    this.#complete(operation, 'ok');
  }

  fail(operation: Operation<Call, Result>): void {
    this.#complete(operation, 'fail');
  }

  info(operation: Operation<Call, Result>): void {
    this.#complete(operation, 'info');
  }

  #complete(operation: Operation<Call, Result>, outcome: Outcome): void {
    operation.outcome = outcome;
    operation.completed = ++this.#sequence;
    operation.endUs = this.#nowUs();
  }

  count(outcome: Outcome): number {
    let count = 0;
    for (const operation of this.operations) if (operation.outcome === outcome) count++;
    return count;
  }

  /**
   * JSON lines in the order of events, readable by outside checkers: one line to invoke, one to complete.
   * @param workload where several are written to one file
   */
  *lines(workload?: string): Generator<string> {
    const events = this.operations.flatMap((operation) => [
      { at: operation.invoked, operation, type: 'invoke' },
      ...(operation.outcome === 'open'
        ? []
        : [{ at: operation.completed, operation, type: operation.outcome }]),
    ]);
    events.sort((a, b) => a.at - b.at);
    for (const { at, operation, type } of events) {
      const { process, key, call, result, startUs, endUs } = operation;
      const times = type === 'invoke' ? { start: startUs } : { start: startUs, end: endUs };
      yield JSON.stringify({
        index: at,
        ...(workload !== undefined && { workload }),
        type,
        process,
        key,
        op: call,
        ...(type === 'ok' && { value: result }),
        ...times,
      });
    }
  }
}
