import type { TransactionRequest } from '@holdfast/client';
import { EMPTY_BYTES } from '@holdfast/io';
import { HoldfastError, isWrite, OpKind } from '@holdfast/wire';
import type { Accounts } from './accounts.ts';
import { authorize, type Decision, type Span, WHOLE_KEYSPACE } from './authorize.ts';
import type { Budget } from './budget.ts';
import { CLUSTER, type Principal, type Role } from './principal.ts';
import type { Usage } from './usage.ts';

/** What of an operation decides whether it is allowed. */
export interface AskedOperation {
  readonly kind: OpKind;
  readonly keyspace: string;
  readonly key: Uint8Array;
  /** Scan: an empty one is the end of the keyspace. */
  readonly endKey?: Uint8Array | undefined;
  readonly transaction?: TransactionRequest | undefined;
}

/**
 * A principal at work: every route asks here before it does anything, with the whole of what it is about to touch.
 *
 * What is refused: in a keyspace of which nothing is granted, `HF_KEYSPACE_NOT_FOUND`, as if it did not exist; reading
 * a single key of others, `HF_KEY_NOT_FOUND`, as if it had no value; everything else, `HF_FORBIDDEN`.
 */
export class Caller {
  readonly principal: Principal;
  #usage: Usage | undefined;
  #budget: Budget | undefined;
  #budgeted = false;

  constructor(principal: Principal) {
    this.principal = principal;
  }

  /** Where its operations are counted. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  /** Undefined: no limits. */
  get budget(): Budget | undefined {
    return this.#budget;
  }

  /** To be called for each request, before anything is counted. */
  countIn(accounts: Accounts): void {
    this.#usage = accounts.usageOf(this.principal.tenant);
    if (this.#budgeted) return;
    this.#budget = accounts.budgetOf(this.principal);
    this.#budgeted = true;
  }

  /** Gives the operation back when it is granted. @throws HoldfastError. */
  permit<T extends AskedOperation>(operation: T): T {
    const { kind, keyspace, key, endKey, transaction } = operation;
    if (transaction !== undefined) {
      this.#permitSteps(keyspace, transaction);
      this.#usage?.operation(kind);
      return operation;
    }
    const isInterval = kind === OpKind.scan || kind === OpKind.deleteRange;
    const span: Span = isInterval ? { start: key, end: endKey ?? EMPTY_BYTES } : { key };
    this.#demand(isWrite(kind) ? 'write' : 'read', keyspace, span);
    this.#usage?.operation(kind);
    return operation;
  }

  /** A check tells whether a key has a value or a revision: it reads, as a get does. */
  #permitSteps(keyspace: string, { checks, success, failure }: TransactionRequest): void {
    for (const step of [...checks, ...success, ...failure]) {
      // Names are what is granted; a number would go around them.
      if (typeof step.keyspace === 'number') throw new HoldfastError('HF_FORBIDDEN');
      const writes = 'kind' in step && isWrite(step.kind);
      this.#demand(writes ? 'write' : 'read', step.keyspace ?? keyspace, { key: step.key });
    }
  }

  /** A watch of all keys from `start` to `end`, excluded; an empty end is the end of the keyspace. @throws HoldfastError. */
  permitWatch(keyspace: string, start: Uint8Array, end: Uint8Array): void {
    this.#demand('read', keyspace, { start, end });
    this.#usage?.watch();
  }

  /** The keyspace as such: its settings, its life. @throws HoldfastError. */
  permitKeyspace(role: Role, keyspace: string): void {
    this.#demand(role, keyspace, WHOLE_KEYSPACE);
  }

  /** What concerns the whole cluster. @throws HoldfastError HF_FORBIDDEN. */
  permitCluster(role: Role): void {
    if (!this.mayCluster(role)) throw new HoldfastError('HF_FORBIDDEN');
  }

  mayCluster(role: Role): boolean {
    return authorize(this.principal, role, CLUSTER, WHOLE_KEYSPACE) === 'allowed';
  }

  /** Something in the keyspace is granted, so that its name is no secret. */
  maySee(keyspace: string): boolean {
    return authorize(this.principal, 'read', keyspace, WHOLE_KEYSPACE) !== 'keyspace_hidden';
  }

  #demand(role: Role, keyspace: string, span: Span): void {
    const decision = authorize(this.principal, role, keyspace, span);
    if (decision !== 'allowed') throw refusal(decision);
  }
}

function refusal(decision: Exclude<Decision, 'allowed'>): HoldfastError {
  switch (decision) {
    case 'keyspace_hidden':
      return new HoldfastError('HF_KEYSPACE_NOT_FOUND');
    case 'key_hidden':
      return new HoldfastError('HF_KEY_NOT_FOUND');
    case 'forbidden':
      return new HoldfastError('HF_FORBIDDEN');
  }
}
