import type { Problem } from '@holdfast/service';
import { Pool } from 'undici';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** The body as a problem document; only for failures. */
  readonly problem: Problem;
}

export interface RequestOptions {
  readonly body?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Talks to a gateway, with a bearer token unless a request brings its own header. Paths go out exactly as they are written. */
export class Http {
  readonly #pool: Pool;
  readonly #authorization: Readonly<Record<string, string>>;

  constructor(url: string, token?: string) {
    this.#authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#pool = new Pool(url, {
      connections: 32,
      pipelining: 1,
      bodyTimeout: 20_000,
      headersTimeout: 20_000,
    });
  }

  async request(
    method: 'GET' | 'HEAD' | 'PUT' | 'PATCH' | 'DELETE' | 'POST',
    path: string,
    { body, headers }: RequestOptions = {},
  ): Promise<Answer> {
    const response = await this.#pool.request({
      method,
      path,
      ...(body === undefined ? {} : { body }),
      headers: { ...this.#authorization, ...headers },
    });
    const bytes = Buffer.from(await response.body.arrayBuffer());
    return {
      status: response.statusCode,
      headers: response.headers,
      body: bytes,
      get problem() {
        return JSON.parse(bytes.toString('utf8')) as Problem;
      },
    };
  }

  /** A key of the default keyspace; it is percent-encoded here. */
  get(key: string, query = ''): Promise<Answer> {
    return this.request('GET', `${keyPath(key)}${query}`);
  }

  put(key: string, body: Buffer | string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.request('PUT', keyPath(key), { body, headers });
  }

  delete(key: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.request('DELETE', keyPath(key), { headers });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

export function keyPath(key: string): string {
  return `/v1/keyspaces/default/keys/${encodeURIComponent(key)}`;
}

/** The body of an answer as JSON. */
export function jsonOf({ body }: Pick<Answer, 'body'>): unknown {
  return JSON.parse(body.toString('utf8'));
}
