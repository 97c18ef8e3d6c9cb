import { EMPTY_BYTES } from '@holdfast/io';
import { HoldfastError, isWrite, OpKind } from '@holdfast/wire';
import { authorize, type Decision, type Span, WHOLE_KEYSPACE } from './authorize.ts';
import { CLUSTER, type Principal, type Role } from './principal.ts';

/** What of an operation decides whether it is allowed. */
export interface AskedOperation {
  readonly kind: OpKind;
  readonly keyspace: string;
  readonly key: Uint8Array;
  /** Scan: an empty one is the end of the keyspace. */
  readonly endKey?: Uint8Array | undefined;
}

/**
 * A principal at work: every route asks here before it does anything, with the whole of what it is about to touch.
 *
 * What is refused: in a keyspace of which nothing is granted, `HF_KEYSPACE_NOT_FOUND`, as if it did not exist; reading
 * a single key of others, `HF_KEY_NOT_FOUND`, as if it had no value; everything else, `HF_FORBIDDEN`.
 */
export class Caller {
  readonly principal: Principal;

  constructor(principal: Principal) {
    this.principal = principal;
  }

  /** Gives the operation back when it is granted. @throws HoldfastError. */
  permit<T extends AskedOperation>(operation: T): T {
    const { kind, keyspace, key, endKey } = operation;
    const span: Span = kind === OpKind.scan ? { start: key, end: endKey ?? EMPTY_BYTES } : { key };
    // A check tells whether a key has a value or a revision: it reads.
    const writes = isWrite(kind) && kind !== OpKind.check;
    this.#demand(writes ? 'write' : 'read', keyspace, span);
    return operation;
  }

  /** All keys from `start` to `end`, excluded; an empty end is the end of the keyspace. @throws HoldfastError. */
  permitRange(role: Role, keyspace: string, start: Uint8Array, end: Uint8Array): void {
    this.#demand(role, keyspace, { start, end });
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
