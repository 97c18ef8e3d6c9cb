import { ROOT_KEY } from '../systems/cluster-id.ts';
import { type OpName, SCAN_ROWS, VALUE_BYTES } from '../workloads.ts';
import { hostAndPort } from './address.ts';
import type { Done, Driver } from './driver.ts';
import { HttpConnection, httpRequest } from './http-connection.ts';
import { type Keys, VALUE } from './keys.ts';

const NO_BYTES = new Uint8Array(0);

/** A ready-made request, and what is wrong with a body that came with 200. */
interface HttpOperation {
  readonly requests: readonly Uint8Array[];
  readonly check: (body: Buffer) => boolean;
}

/** A connection for each logical client, over which ready-made requests go. */
class HttpDriver implements Driver {
  readonly #address: string;
  readonly #operations: Readonly<Partial<Record<OpName, HttpOperation>>>;
  readonly #connections: HttpConnection[] = [];

  constructor(address: string, operations: Readonly<Partial<Record<OpName, HttpOperation>>>) {
    this.#address = address;
    this.#operations = operations;
  }

  connect(clients: number): Promise<void> {
    const { host, port } = hostAndPort(this.#address);
    while (this.#connections.length < clients) this.#connections.push(new HttpConnection(host, port));
    return Promise.resolve();
  }

  start(client: number, op: OpName, key: number, done: Done): void {
    const operation = this.#operations[op];
    if (operation === undefined) throw new Error(`no ${op} over HTTP`);
    this.#connections[client].send(operation.requests[key], (status, body) => {
      if (status === 0) done('the connection broke');
      else if (status < 200 || status >= 300) done(`status ${status}: ${body.toString('latin1', 0, 200)}`);
      else done(operation.check(body) ? undefined : 'not the value that was written');
    });
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

/** etcd's own JSON gateway: keys and values in base64. */
export class EtcdHttpDriver extends HttpDriver {
  constructor(address: string, keys: Keys) {
    const post = (path: string, body: object): Uint8Array =>
      httpRequest(
        'POST',
        address,
        path,
        { 'Content-Type': 'application/json' },
        Buffer.from(JSON.stringify(body)),
      );
    const value = Buffer.from(VALUE).toString('base64');
    const quoted = Buffer.from(`"value":"${value}"`);
    const names = keys.bytes.map((key) => Buffer.from(key).toString('base64'));
    const holdsValue = (body: Buffer): boolean => body.includes(quoted);
    const range = (more: object): HttpOperation => ({
      requests: names.map((key) => post('/v3/kv/range', { key, ...more })),
      check: holdsValue,
    });
    super(address, {
      put: { requests: names.map((key) => post('/v3/kv/put', { key, value })), check: () => true },
      get: range({}),
      staleGet: range({ serializable: true }),
      scan: range({ range_end: 'AA==', limit: SCAN_ROWS }),
    });
  }
}

/** Our gateway: the body is the value. */
export class HoldfastHttpDriver extends HttpDriver {
  constructor(address: string, keys: Keys) {
    const authorization = { Authorization: `Bearer ${ROOT_KEY}` };
    const path = (name: string, query = ''): string => `/v1/keyspaces/default/keys/${name}${query}`;
    const get = (query: string): HttpOperation => ({
      requests: keys.names.map((name) =>
        httpRequest('GET', address, path(name, query), authorization, NO_BYTES),
      ),
      check: (body) => body.length === VALUE_BYTES,
    });
    super(address, {
      put: {
        requests: keys.names.map((name) =>
          httpRequest(
            'PUT',
            address,
            path(name),
            { ...authorization, 'Content-Type': 'application/octet-stream' },
            VALUE,
          ),
        ),
        check: () => true,
      },
      get: get(''),
      staleGet: get('?consistency=eventual'),
    });
  }
}
