import { type OpName, VALUE_BYTES } from '../workloads.ts';
import type { Done, Driver } from './driver.ts';
import { type Keys, VALUE } from './keys.ts';
import { NatsConnection } from './nats-connection.ts';

const CONNECTIONS = 4;
const BUCKET = 'bench';
const STREAM = `KV_${BUCKET}`;
const NO_BYTES = new Uint8Array(0);
const REPLICAS = 3;
/** The cluster chooses a leader for its metadata first. */
const CREATE_ATTEMPTS = 100;

/** JetStream's key-value buckets, three replicas on files. Puts are acknowledged by a quorum that has not synced. */
export class NatsDriver implements Driver {
  readonly #addresses: readonly string[];
  readonly #puts: readonly string[];
  readonly #gets: readonly string[];
  #connections: NatsConnection[] = [];

  /** @param addresses of the servers `node-1`, `node-2`, … in this order. */
  constructor(addresses: readonly string[], keys: Keys) {
    this.#addresses = addresses;
    this.#puts = keys.names.map((name) => `$KV.${BUCKET}.${name}`);
    this.#gets = this.#puts.map((subject) => `$JS.API.DIRECT.GET.${STREAM}.${subject}`);
  }

  async connect(): Promise<void> {
    if (this.#connections.length > 0) return;
    const first = new NatsConnection(this.#addresses[0]);
    const leader = await createBucket(first);
    first.close();
    const address = this.#addresses[Number(leader.slice('node-'.length)) - 1] ?? this.#addresses[0];
    this.#connections = Array.from({ length: CONNECTIONS }, () => new NatsConnection(address));
  }

  start(client: number, op: OpName, key: number, done: Done): void {
    const connection = this.#connections[client % CONNECTIONS];
    if (op === 'put') {
      connection.request(this.#puts[key], VALUE, (reply) => {
        if (reply === undefined) done('the connection broke');
        else done(reply.includes('"seq"') ? undefined : reply.toString('latin1', 0, 200));
      });
    } else {
      connection.request(this.#gets[key], NO_BYTES, (reply) =>
        done(reply?.length === VALUE_BYTES ? undefined : 'not the value that was written'),
      );
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

/** Makes the bucket as clients do, and returns the name of the server that leads it. */
async function createBucket(connection: NatsConnection): Promise<string> {
  const config = {
    name: STREAM,
    subjects: [`$KV.${BUCKET}.>`],
    num_replicas: REPLICAS,
    storage: 'file',
    max_msgs_per_subject: 1,
    discard: 'new',
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
  };
  for (let attempt = 0; attempt < CREATE_ATTEMPTS; attempt++) {
    const payload = Buffer.from(JSON.stringify(config));
    const reply = await request(connection, `$JS.API.STREAM.CREATE.${STREAM}`, payload);
    const leader = (JSON.parse(reply || '{}') as { readonly cluster?: { readonly leader?: string } }).cluster
      ?.leader;
    if (leader !== undefined) return leader;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the bucket could not be made');
}

function request(connection: NatsConnection, subject: string, payload: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(''), 1000);
    connection.request(subject, payload, (reply) => {
      clearTimeout(timer);
      resolve(reply?.toString('latin1') ?? '');
    });
  });
}
