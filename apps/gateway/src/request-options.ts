import { Consistency, DEADLINE_MS_DEFAULT, HoldfastError } from '@holdfast/wire';

/** Longest deadline that a request may ask for, in milliseconds. */
export const HTTP_DEADLINE_MS_MAX = 60_000;

/** Read levels by the name that requests and answers use. */
export const CONSISTENCY_NAMES = ['strong', 'bounded', 'eventual'] as const;

/** `Holdfast-Deadline-Ms`. @throws HoldfastError HF_BAD_REQUEST. */
export function deadlineMs(header: string | undefined): number {
  if (header === undefined) return DEADLINE_MS_DEFAULT;
  const value = /^[1-9]\d{0,4}$/.test(header) ? Number(header) : 0;
  if (value < 1 || value > HTTP_DEADLINE_MS_MAX) {
    throw new HoldfastError('HF_BAD_REQUEST', {
      detail: `Holdfast-Deadline-Ms is an integer from 1 to ${HTTP_DEADLINE_MS_MAX}`,
    });
  }
  return value;
}

/** `?consistency=`. @throws HoldfastError HF_BAD_REQUEST. */
export function consistency(value: string | undefined): Consistency {
  switch (value) {
    case undefined:
    case 'strong':
      return Consistency.strong;
    case 'eventual':
      return Consistency.eventual;
    default:
      throw new HoldfastError('HF_BAD_REQUEST', { detail: 'consistency is strong or eventual' });
  }
}

/** One header's value; undefined when absent. @throws HoldfastError HF_BAD_REQUEST when it came twice. */
export function single(value: string | readonly string[] | undefined, name: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new HoldfastError('HF_BAD_REQUEST', { detail: `${name} is given more than once` });
}
