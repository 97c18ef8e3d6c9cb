import { InvalidArgumentError } from 'commander';

/** The command line, the configuration or the input is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A parser of options: a whole number between both. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`a whole number from ${min} to ${max}.`);
  };
}

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A parser of options: `500ms`, `30s`, `15m`, `2h`, `7d`; in milliseconds. */
export function duration(text: string): number {
  const [, digits, unit] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError('a number with a unit: 500ms, 30s, 15m, 2h, 7d.');
  return Number(digits) * UNITS[unit as keyof typeof UNITS];
}
