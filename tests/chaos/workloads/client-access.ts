import { type Client, HoldfastError, type Keyspace, text } from '@holdfast/client';
import { AccessError, type Answer, type KeyAccess } from './key-access.ts';

/** Through the client library. */
export class ClientAccess implements KeyAccess {
  readonly #keyspace: Keyspace<string>;
  readonly #deadlineMs: number;
  readonly #consistency: 'strong' | 'eventual';

  /** @param consistency of reads. */
  constructor(client: Client, deadlineMs: number, consistency: 'strong' | 'eventual') {
    this.#keyspace = client.keyspace('default', text);
    this.#deadlineMs = deadlineMs;
    this.#consistency = consistency;
  }

  async get(key: string): Promise<Answer> {
    const options = { deadlineMs: this.#deadlineMs, consistency: this.#consistency };
    const item = await this.#call(() => this.#keyspace.get(key, options));
    return { kind: 'value', value: item?.value, revision: item?.revision ?? 0 };
  }

  async put(key: string, value: string): Promise<Answer> {
    const { revision } = await this.#call(() =>
      this.#keyspace.set(key, value, { deadlineMs: this.#deadlineMs }),
    );
    return { kind: 'done', revision };
  }

  async delete(key: string): Promise<Answer> {
    const { revision } = await this.#call(() => this.#keyspace.delete(key, { deadlineMs: this.#deadlineMs }));
    return { kind: 'done', revision };
  }

  async putIf(key: string, value: string, revision: number): Promise<Answer> {
    const condition = revision === 0 ? { ifAbsent: true } : { ifRevision: revision };
    const result = await this.#call(() =>
      this.#keyspace.compareAndSet(key, value, { ...condition, deadlineMs: this.#deadlineMs }),
    );
    return result.swapped ? { kind: 'done', revision: result.revision } : { kind: 'mismatch' };
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw accessError(error);
    }
  }
}

/** What the library throws, in the terms of the workloads; anything else it throws is a bug, and stays what it is. */
export function accessError(error: unknown): unknown {
  if (!(error instanceof HoldfastError)) return error;
  return new AccessError(error.code, error.outcome === 'not_applied', error.message);
}
