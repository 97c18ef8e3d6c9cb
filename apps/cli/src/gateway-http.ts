import { request } from 'undici';

/** Where the command looks when it is told nothing. */
export const GATEWAY_URL_DEFAULT = 'http://127.0.0.1:7700';
export const ADMIN_URL_DEFAULT = 'http://127.0.0.1:7800';

/** The part of a problem document (RFC 9457) that the command shows. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  readonly code?: string;
  readonly retryable?: boolean;
  readonly outcome?: string;
  readonly revision?: number;
}

/** The gateway said no. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    const { code = `HTTP ${problem.status}`, title, detail, outcome } = problem;
    super(`${code}: ${detail ?? title}${outcome === undefined ? '' : ` (outcome: ${outcome})`}`);
    this.problem = problem;
  }
}

export interface KeyAnswer {
  readonly revision: number;
  readonly contentType: string;
  readonly consistency: string | undefined;
  readonly body: Buffer;
}

export interface KeyRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly keyspace: string;
  readonly key: string;
  readonly body?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

/**
 * One request for one key. The key travels as base64url, so that no URL code on the way can change it.
 *
 * @throws ProblemError when the gateway refuses; the error of the connection when nobody answers.
 */
export async function requestKey(
  gateway: string,
  { keyspace, key, ...rest }: KeyRequest,
): Promise<KeyAnswer> {
  const encoded = Buffer.from(key).toString('base64url');
  const query = new URLSearchParams({ ...rest.query, key_encoding: 'base64url' });
  const url = `${gateway}/v1/keyspaces/${encodeURIComponent(keyspace)}/keys/${encoded}?${query.toString()}`;
  const { statusCode, headers, body } = await request(url, {
    method: rest.method,
    headers: { ...authorization(), ...rest.headers },
    ...(rest.body === undefined ? {} : { body: rest.body }),
  });
  const bytes = Buffer.from(await body.arrayBuffer());
  if (statusCode >= 400) throw new ProblemError(problemOf(statusCode, bytes));
  return {
    revision: Number(headers['holdfast-revision']),
    contentType: String(headers['content-type'] ?? ''),
    consistency: headers['holdfast-consistency']?.toString(),
    body: bytes,
  };
}

/** `HOLDFAST_TOKEN`, where the gateway asks for one. */
function authorization(): Record<string, string> {
  const token = process.env['HOLDFAST_TOKEN'];
  return token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` };
}

/** A JSON document. @throws ProblemError, or the error of the connection. */
export async function requestJson(url: string): Promise<unknown> {
  const { statusCode, body } = await request(url);
  const bytes = Buffer.from(await body.arrayBuffer());
  if (statusCode >= 400) throw new ProblemError(problemOf(statusCode, bytes));
  return JSON.parse(bytes.toString('utf8'));
}

function problemOf(status: number, bytes: Buffer): Problem {
  try {
    return JSON.parse(bytes.toString('utf8')) as Problem;
  } catch {
    return { status, title: 'an answer that is not a problem document' };
  }
}
