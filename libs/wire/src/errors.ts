import { type ErrorInfo, ERRORS, type Outcome } from './error-table.ts';

export { type ErrorInfo, ERRORS, type Outcome };

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[];

/** Numbers of {@link Outcome} on the wire. */
export const OUTCOMES = ['not_applied', 'applied', 'unknown'] as const satisfies readonly Outcome[];

const BY_NUMBER = new Map<number, ErrorCode>(ERROR_CODES.map((code) => [ERRORS[code].number, code]));

/** The entry of the table. */
export function errorInfo(code: ErrorCode): ErrorInfo {
  return ERRORS[code];
}

/** The number of `code` on the wire. */
export function errorNumber(code: ErrorCode): number {
  return ERRORS[code].number;
}

/** The code with this number; a number from a later version is an internal error, outcome unknown. */
export function errorCode(number: number): ErrorCode {
  return BY_NUMBER.get(number) ?? 'HF_INTERNAL';
}

/** The number of an outcome on the wire. */
export function outcomeNumber(outcome: Outcome): number {
  return outcome === 'not_applied' ? 0 : outcome === 'applied' ? 1 : 2;
}

/** The outcome with this number; one that we do not know is `unknown`. */
export function outcomeOf(number: number): Outcome {
  return OUTCOMES[number] ?? 'unknown';
}
