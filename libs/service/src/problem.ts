import { type ErrorCode, HoldfastError, type Outcome } from '@holdfast/wire';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** The body of every failure over HTTP: a problem document (RFC 9457) with our members. */
export interface Problem {
  /** A name, not an address: `urn:holdfast:error:<code>`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly code: ErrorCode;
  /** The same request may succeed when it is sent again. */
  readonly retryable: boolean;
  /** What the failed request did. */
  readonly outcome: Outcome;
  readonly request_id: string;
  /** A refused condition: the current revision, 0 when the key is absent. */
  readonly revision?: number;
}

export function problemOf(error: HoldfastError, requestId: string): Problem {
  const { code, detail, outcome, retryable, revision, info } = error;
  return {
    type: `urn:holdfast:error:${code}`,
    title: info.title,
    status: info.status,
    ...(detail === undefined || detail === '' ? {} : { detail }),
    code,
    retryable,
    outcome,
    request_id: requestId,
    ...(revision === undefined ? {} : { revision }),
  };
}

/** Seconds for `Retry-After`, at least 1; undefined where another try makes no sense or may come at once. */
export function retryAfterSeconds(error: HoldfastError): number | undefined {
  const { status } = error.info;
  if (!error.retryable || (status !== 429 && status !== 503)) return undefined;
  return Math.max(1, Math.ceil((error.retryAfterMs ?? 0) / 1000));
}

/** The codes for what HTTP frameworks refuse by themselves. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  404: 'HF_NOT_FOUND',
  405: 'HF_METHOD_NOT_ALLOWED',
  413: 'HF_VALUE_TOO_LARGE',
  414: 'HF_KEY_TOO_LARGE',
  415: 'HF_UNSUPPORTED_MEDIA_TYPE',
  431: 'HF_HEADERS_TOO_LARGE',
  503: 'HF_UNAVAILABLE',
};

/**
 * An error of the table for whatever was thrown. What a framework says about a bad request is passed on; what went
 * wrong inside is not told, it belongs into the log.
 */
export function holdfastErrorOf(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const status = statusOf(error);
  const code = CODE_OF_STATUS[status] ?? (status >= 400 && status < 500 ? 'HF_BAD_REQUEST' : 'HF_INTERNAL');
  const telling = code !== 'HF_INTERNAL' && code !== 'HF_NOT_FOUND';
  if (!telling || !(error instanceof Error)) return new HoldfastError(code, { cause: error });
  return new HoldfastError(code, { detail: error.message, cause: error });
}

function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null) return 500;
  if ('getStatus' in error && typeof error.getStatus === 'function') return Number(error.getStatus());
  if ('statusCode' in error && typeof error.statusCode === 'number') return error.statusCode;
  return 500;
}
