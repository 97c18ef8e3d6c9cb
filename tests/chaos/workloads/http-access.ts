import { ROOT_KEY } from '../cluster/chaos-cluster.ts';
import { AccessError, type Answer, type KeyAccess } from './key-access.ts';

/** How much longer than the store's own deadline an answer is waited for. */
const GRACE_MS = 2_000;

interface Problem {
  readonly code: string;
  readonly outcome: string;
  readonly detail?: string;
}

/** Through the gateway: plain HTTP. */
export class HttpAccess implements KeyAccess {
  readonly #base: string;
  readonly #deadlineMs: number;

  constructor(gatewayUrl: string, deadlineMs: number) {
    this.#base = `${gatewayUrl}/v1/keyspaces/default/keys/`;
    this.#deadlineMs = deadlineMs;
  }

  async get(key: string): Promise<Answer> {
    const response = await this.#send('GET', key);
    if (response.status === 404) {
      const { code } = await this.#problem(response);
      if (code !== 'HF_KEY_NOT_FOUND') throw new AccessError(code, true, 'GET');
      return { kind: 'value', value: undefined, revision: 0 };
    }
    if (!response.ok) throw await this.#failure(response);
    return { kind: 'value', value: await this.#body(response), revision: revisionOf(response) };
  }

  put(key: string, value: string): Promise<Answer> {
    return this.#write('PUT', key, value, {});
  }

  delete(key: string): Promise<Answer> {
    return this.#write('DELETE', key, undefined, {});
  }

  async putIf(key: string, value: string, revision: number): Promise<Answer> {
    const condition: Record<string, string> =
      revision === 0 ? { 'if-none-match': '*' } : { 'if-match': `"${revision}"` };
    return this.#write('PUT', key, value, condition);
  }

  async #write(
    method: string,
    key: string,
    value: string | undefined,
    condition: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const response = await this.#send(method, key, value, condition);
    if (response.status === 412) {
      await this.#body(response);
      return { kind: 'mismatch' };
    }
    if (!response.ok) throw await this.#failure(response);
    await this.#body(response);
    return { kind: 'done', revision: revisionOf(response) };
  }

  async #send(
    method: string,
    key: string,
    value?: string,
    condition: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    try {
      return await fetch(this.#base + encodeURIComponent(key), {
        method,
        headers: {
          authorization: `Bearer ${ROOT_KEY}`,
          'holdfast-deadline-ms': String(this.#deadlineMs),
          ...(value === undefined ? {} : { 'content-type': 'text/plain' }),
          ...condition,
        },
        ...(value === undefined ? {} : { body: value }),
        signal: AbortSignal.timeout(this.#deadlineMs + GRACE_MS),
      });
    } catch (error) {
      throw lost(error);
    }
  }

  async #body(response: Response): Promise<string> {
    try {
      return await response.text();
    } catch (error) {
      throw lost(error);
    }
  }

  async #failure(response: Response): Promise<AccessError> {
    const { code, outcome, detail } = await this.#problem(response);
    return new AccessError(code, outcome === 'not_applied', `${response.status} ${detail ?? ''}`);
  }

  async #problem(response: Response): Promise<Problem> {
    const body = await this.#body(response);
    try {
      return JSON.parse(body) as Problem;
    } catch {
      return { code: `HTTP ${response.status}`, outcome: 'unknown', detail: body.slice(0, 200) };
    }
  }
}

/** Nothing is known of a request whose connection was lost, or that nobody answered. */
function lost(error: unknown): AccessError {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return new AccessError(
    'gateway-lost',
    false,
    `${error instanceof Error ? error.message : String(error)}${cause}`,
  );
}

function revisionOf(response: Response): number {
  const revision = Number(response.headers.get('holdfast-revision'));
  if (!Number.isSafeInteger(revision) || revision <= 0) {
    throw new AccessError('no-revision', false, `${response.status} without holdfast-revision`);
  }
  return revision;
}
