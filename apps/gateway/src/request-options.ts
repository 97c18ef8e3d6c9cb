import { Consistency, DEADLINE_MS_DEFAULT, HoldfastError } from '@holdfast/wire';

/** Longest deadline that a request may ask for, in milliseconds. */
export const HTTP_DEADLINE_MS_MAX = 60_000;
/** Longest time to live, in milliseconds: ten years. */
export const TTL_MS_MAX = 10 * 365 * 24 * 60 * 60 * 1000;
/** Oldest answer that a bounded read may ask for, in milliseconds: one day. */
export const STALENESS_MS_MAX = 24 * 60 * 60 * 1000;

/** Read levels by the name that requests and answers use. */
export const CONSISTENCY_NAMES = ['strong', 'bounded', 'eventual'] as const;

type Multiple = string | readonly string[] | undefined;

/** What a read may ask for; the names are those of the query and of header fields. */
export interface ReadQuery {
  readonly consistency?: Multiple;
  readonly max_staleness?: Multiple;
  readonly revision?: Multiple;
}

/** How fresh a read must be, in the terms of an operation. */
export interface ReadLevel {
  readonly consistency: Consistency;
  readonly maxStalenessMs: number;
  /** 0 = no floor. */
  readonly minRevision: number;
  /** 0 = now. */
  readonly revision: number;
}

const STRONG: ReadLevel = { consistency: Consistency.strong, maxStalenessMs: 0, minRevision: 0, revision: 0 };

/**
 * `?consistency=`, `?max_staleness=`, `?revision=` and `Holdfast-Min-Revision`.
 *
 * @throws HoldfastError HF_BAD_REQUEST: a level that is not understood is never replaced by another.
 */
export function readLevel(query: ReadQuery, floor: Multiple): ReadLevel {
  const { consistency, max_staleness: staleness, revision } = query;
  if (consistency === undefined && staleness === undefined && revision === undefined && floor === undefined) {
    return STRONG;
  }
  const level = consistencyOf(single(consistency, 'consistency'));
  const bound = single(staleness, 'max_staleness');
  if ((bound !== undefined) !== (level === Consistency.bounded)) {
    throw new HoldfastError('HF_BAD_REQUEST', {
      detail: 'consistency=bounded and max_staleness come together',
    });
  }
  return {
    consistency: level,
    maxStalenessMs: bound === undefined ? 0 : durationMs(bound, 'max_staleness', STALENESS_MS_MAX),
    minRevision: revisionOf(single(floor, 'Holdfast-Min-Revision'), 'Holdfast-Min-Revision'),
    revision: revisionOf(single(revision, 'revision'), 'revision'),
  };
}

function consistencyOf(value: string | undefined): Consistency {
  if (value === undefined) return Consistency.strong;
  const level = CONSISTENCY_NAMES.findIndex((name) => name === value);
  if (level < 0) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'consistency is strong, bounded or eventual' });
  }
  return level as Consistency;
}

function revisionOf(text: string | undefined, name: string): number {
  if (text === undefined) return 0;
  const revision = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0;
  if (revision === 0 || !Number.isSafeInteger(revision)) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: `${name} is a revision: a whole number above 0` });
  }
  return revision;
}

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

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90` (seconds), `500ms`, `90s`, `15m`, `12h`, `7d`. @throws HoldfastError HF_BAD_REQUEST. */
export function durationMs(text: string, name: string, max: number): number {
  const [, digits, unit = 's'] = /^([1-9]\d{0,12})(ms|s|m|h|d)?$/.exec(text) ?? [];
  const value = Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
  if (!(value <= max)) {
    throw new HoldfastError('HF_BAD_REQUEST', {
      detail: `${name} is a whole number of seconds, or of ms, s, m, h or d, and at most ${max} ms`,
    });
  }
  return value;
}

/** `?ttl=` or `Holdfast-TTL`, in milliseconds; 0 = none. @throws HoldfastError HF_BAD_REQUEST. */
export function ttlMs(query: Multiple, header: Multiple): number {
  if (query === undefined && header === undefined) return 0;
  if (query !== undefined && header !== undefined) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'ttl and Holdfast-TTL say the same: give one' });
  }
  return durationMs(single(query ?? header, 'ttl') ?? '', 'ttl', TTL_MS_MAX);
}

/** `Holdfast-Tell-Existed`: `true`, or absent. @throws HoldfastError HF_BAD_REQUEST. */
export function tellsExisted(header: Multiple): boolean {
  const value = single(header, 'Holdfast-Tell-Existed');
  if (value === undefined || value === 'true') return value !== undefined;
  throw new HoldfastError('HF_BAD_REQUEST', { detail: 'Holdfast-Tell-Existed is true, or absent' });
}

/** One header's value; undefined when absent. @throws HoldfastError HF_BAD_REQUEST when it came twice. */
export function single(value: Multiple, name: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new HoldfastError('HF_BAD_REQUEST', { detail: `${name} is given more than once` });
}
