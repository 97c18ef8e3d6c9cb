import { type OpName, SCAN_ROWS, VALUE_BYTES } from '../workloads.ts';
import { hostAndPort } from './address.ts';
import type { Done, Driver } from './driver.ts';
import { GrpcConnection, requestHeaders } from './grpc-connection.ts';
import { type Keys, VALUE } from './keys.ts';
import { bytesField, numberField, readBytesFields } from './protobuf.ts';

/** Field numbers of etcd's rpc.proto and kv.proto. */
const PutRequest = { key: 1, value: 2 } as const;
const RangeRequest = { key: 1, rangeEnd: 2, limit: 3, serializable: 7 } as const;
const RangeResponse = { kvs: 2 } as const;
const KeyValue = { value: 5 } as const;
/** As the end of a range: every key behind the first. */
const TO_THE_END = Uint8Array.of(0);

/** etcd over gRPC. Logical clients share a number of connections per server, evenly. */
export class EtcdDriver implements Driver {
  readonly #addresses: readonly string[];
  readonly #perServer: number;
  readonly #put: readonly Uint8Array[];
  readonly #get: readonly Uint8Array[];
  readonly #stale: readonly Uint8Array[];
  readonly #scan: readonly Uint8Array[];
  readonly #putHeaders: Uint8Array;
  readonly #rangeHeaders: Uint8Array;
  readonly #connections: GrpcConnection[] = [];
  #used = 1;

  /** @param addresses the first one gets what must reach a leader anyway. */
  constructor(addresses: readonly string[], perServer: number, keys: Keys) {
    this.#addresses = addresses;
    this.#perServer = perServer;
    this.#putHeaders = requestHeaders('etcd', '/etcdserverpb.KV/Put');
    this.#rangeHeaders = requestHeaders('etcd', '/etcdserverpb.KV/Range');
    const value = bytesField(PutRequest.value, VALUE);
    const serializable = numberField(RangeRequest.serializable, 1);
    const page = Buffer.concat([
      bytesField(RangeRequest.rangeEnd, TO_THE_END),
      numberField(RangeRequest.limit, SCAN_ROWS),
    ]);
    const named = keys.bytes.map((key) => bytesField(PutRequest.key, key));
    this.#put = named.map((key) => Buffer.concat([key, value]));
    this.#get = named;
    this.#stale = named.map((key) => Buffer.concat([key, serializable]));
    this.#scan = named.map((key) => Buffer.concat([key, page]));
  }

  async connect(clients: number): Promise<void> {
    const first = this.#connections.length === 0;
    for (let i = this.#connections.length; i < this.#perServer * this.#addresses.length; i++) {
      this.#connections.push(this.#open(i));
    }
    if (first) await Promise.all(this.#connections.map((connection) => connection.opened()));
    this.#used = Math.max(this.#addresses.length, Math.min(this.#connections.length, clients));
  }

  start(client: number, op: OpName, key: number, done: Done): void {
    const connection = this.#pick(client);
    switch (op) {
      case 'put':
        connection.call(this.#putHeaders, this.#put[key], (answer) =>
          done(answer === undefined ? 'the call failed' : undefined),
        );
        break;
      case 'get':
        connection.call(this.#rangeHeaders, this.#get[key], (answer) => done(checkRows(answer)));
        break;
      case 'staleGet':
        connection.call(this.#rangeHeaders, this.#stale[key], (answer) => done(checkRows(answer)));
        break;
      case 'scan':
        connection.call(this.#rangeHeaders, this.#scan[key], (answer) => done(checkRows(answer)));
        break;
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  /** A connection that is not open is passed over, and made again when it is closed. */
  #pick(client: number): GrpcConnection {
    for (let i = 0; i < this.#used; i++) {
      const index = (client + i) % this.#used;
      const connection = this.#connections[index];
      if (connection.isOpen) return connection;
      if (connection.isClosed) this.#connections[index] = this.#open(index);
    }
    return this.#connections[client % this.#used];
  }

  #open(index: number): GrpcConnection {
    const { host, port } = hostAndPort(this.#addresses[index % this.#addresses.length]);
    const connection = new GrpcConnection(host, port);
    // Whoever waits for it hears of a failure; for the others it stays closed.
    connection.opened().catch(() => undefined);
    return connection;
  }
}

/** Each row must have a value of the right size. */
function checkRows(answer: Uint8Array | undefined): string | undefined {
  if (answer === undefined) return 'the call failed';
  let right = 0;
  readBytesFields(answer, 0, answer.length, (number, from, to) => {
    if (number !== RangeResponse.kvs) return;
    readBytesFields(answer, from, to, (inner, start, end) => {
      if (inner === KeyValue.value && end - start === VALUE_BYTES) right++;
    });
  });
  return right > 0 ? undefined : 'not the value that was written';
}
