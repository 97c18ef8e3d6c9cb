/** What one operation on a key gave. */
export type Answer =
  | { readonly kind: 'value'; readonly value: string | undefined; readonly revision: number }
  | { readonly kind: 'done'; readonly revision: number }
  /** The condition did not hold. */
  | { readonly kind: 'mismatch' };

/** One key at a time: what the library and HTTP have in common. Every method throws {@link AccessError}. */
export interface KeyAccess {
  get(key: string): Promise<Answer>;
  put(key: string, value: string): Promise<Answer>;
  delete(key: string): Promise<Answer>;
  /** Writes if the key has this revision; 0: if it has no value. */
  putIf(key: string, value: string, revision: number): Promise<Answer>;
}

/** The operation failed, with what the store says about its outcome. */
export class AccessError extends Error {
  override readonly name = 'AccessError';
  /** A code of docs/errors.md, or what the transport says. */
  readonly code: string;
  /** It certainly did nothing. Otherwise nobody knows. */
  readonly notApplied: boolean;

  constructor(code: string, notApplied: boolean, detail: string) {
    super(`${code}: ${detail}`);
    this.code = code;
    this.notApplied = notApplied;
  }
}

/** What a store may answer while its nodes and links fail. Every other refusal is a bug of the store. */
const EXPECTED_CODES: ReadonlySet<string> = new Set([
  'HF_NOT_LEADER',
  'HF_WRONG_RANGE',
  'HF_NO_QUORUM',
  'HF_TIMEOUT',
  'HF_DEADLINE_EXCEEDED',
  'HF_OVERLOADED',
  'HF_UNAVAILABLE',
  'HF_CONNECTION_LOST',
  // Bytes are flipped on the way, on purpose.
  'HF_PROTOCOL',
  // Blocks are damaged at rest, on purpose; anything but a wrong value will do.
  'HF_CORRUPTION',
  // The gateway is killed, on purpose.
  'gateway-lost',
]);

export function isExpected(error: AccessError): boolean {
  return EXPECTED_CODES.has(error.code);
}
