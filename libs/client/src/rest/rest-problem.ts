import { decodeUtf8, type Revision } from '@holdfast/io';
import { type ErrorCode, ERRORS, HoldfastError, type Outcome } from '@holdfast/wire';
import type { HttpAnswer } from './http-exchange.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

const OUTCOMES: readonly Outcome[] = ['applied', 'not_applied', 'unknown'];

/** What a status means that comes without a problem document. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'HF_UNAUTHENTICATED',
  403: 'HF_FORBIDDEN',
  404: 'HF_NOT_FOUND',
  429: 'HF_OVERLOADED',
  502: 'HF_UNAVAILABLE',
  503: 'HF_UNAVAILABLE',
  504: 'HF_UNAVAILABLE',
};

/** Why a request failed, by its answer. @param writes whether it was to change something. */
export function errorOfAnswer(answer: HttpAnswer, writes: boolean): HoldfastError {
  const retryAfterMs = 1000 * Number(answer.header('retry-after') ?? 0);
  return errorOfProblem(jsonOf(answer.body), retryAfterMs) ?? strangerError(answer, writes);
}

/** What a problem document (RFC 9457) tells; undefined when it is none of ours. */
export function errorOfProblem(
  problem: JsonObject | undefined,
  retryAfterMs: number,
): HoldfastError | undefined {
  const { code, outcome, detail, revision } = problem ?? {};
  if (typeof code !== 'string' || !isErrorCode(code)) return undefined;
  return new HoldfastError(code, {
    outcome: OUTCOMES.find((known) => known === outcome) ?? 'unknown',
    ...(typeof detail === 'string' && { detail }),
    ...(Number.isSafeInteger(revision) && { revision: revision as Revision }),
    ...(retryAfterMs > 0 && { retryAfterMs }),
  });
}

/** An answer that is not a gateway's: something between here and there gave it, and what became of a write is open. */
export function strangerError({ status }: HttpAnswer, writes: boolean): HoldfastError {
  const refused = status >= 400 && status < 500;
  const code = CODE_OF_STATUS[status] ?? (refused ? 'HF_BAD_REQUEST' : 'HF_PROTOCOL');
  const outcome = refused || !writes ? 'not_applied' : 'unknown';
  return new HoldfastError(code, { outcome, detail: `HTTP ${status} without a problem document` });
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** The object that a body is, or undefined. */
export function jsonOf(body: Uint8Array): JsonObject | undefined {
  return jsonIn(decodeUtf8(body) ?? '');
}

/** The object that a text is, or undefined. */
export function jsonIn(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
