import { Prng } from '@holdfast/io';
import { nodeKernels, SystemClock, systemRandomSeed, TcpNetwork } from '@holdfast/io-node';
import { bytes, Client, type Keyspace } from '@holdfast/client';
import { type OpName, SCAN_ROWS, VALUE_BYTES } from '../workloads.ts';
import type { Done, Driver } from './driver.ts';
import { type Keys, VALUE } from './keys.ts';

/** Our own client library as an application uses it: promises of the typed keyspace, one connection per node. */
export class HoldfastDriver implements Driver {
  readonly #client: Client;
  readonly #keyspace: Keyspace<Uint8Array>;
  readonly #keys: Keys;

  constructor(addresses: readonly string[], keys: Keys) {
    this.#keys = keys;
    this.#client = new Client({
      network: new TcpNetwork(),
      clock: new SystemClock(),
      random: new Prng(systemRandomSeed()),
      kernels: nodeKernels,
      seeds: addresses,
    });
    this.#keyspace = this.#client.keyspace('default', bytes);
  }

  async connect(): Promise<void> {
    await this.#client.ready();
  }

  start(_client: number, op: OpName, index: number, done: Done): void {
    this.#run(op, this.#keys.bytes[index]).then(done, (error: unknown) => done(String(error)));
  }

  close(): void {
    void this.#client.close();
  }

  async #run(op: OpName, key: Uint8Array): Promise<string | undefined> {
    switch (op) {
      case 'put':
        await this.#keyspace.set(key, VALUE);
        return undefined;
      case 'get':
        return checked(await this.#keyspace.get(key));
      case 'staleGet':
        return checked(await this.#keyspace.get(key, EVENTUAL));
      case 'scan':
        return this.#scan(key);
    }
  }

  async #scan(start: Uint8Array): Promise<string | undefined> {
    let rows = 0;
    for await (const row of this.#keyspace.scan({ start, limit: SCAN_ROWS, pageSize: SCAN_ROWS })) {
      if (row.value.length === VALUE_BYTES) rows++;
    }
    return rows > 0 ? undefined : 'an empty scan';
  }
}

const EVENTUAL = { consistency: 'eventual' } as const;

function checked(item: { readonly value: Uint8Array } | undefined): string | undefined {
  return item?.value.length === VALUE_BYTES ? undefined : 'not the value that was written';
}
