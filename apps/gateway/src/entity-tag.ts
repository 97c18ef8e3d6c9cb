import { Condition, HoldfastError } from '@holdfast/wire';

/** What must hold for a write, as headers say it. */
export interface WriteCondition {
  readonly condition: Condition;
  /** For `Condition.revisionEquals`; 0 otherwise. */
  readonly revision: number;
}

const NO_CONDITION: WriteCondition = { condition: Condition.none, revision: 0 };
const EXISTS: WriteCondition = { condition: Condition.exists, revision: 0 };
const ABSENT: WriteCondition = { condition: Condition.absent, revision: 0 };

/** The entity tag of a version of a value is its revision (RFC 9110, section 8.8.3). */
export function entityTag(revision: number): string {
  return `"${revision}"`;
}

/**
 * `If-Match: "<revision>"` or `*`, or `If-None-Match: *`.
 *
 * @throws HoldfastError HF_BAD_REQUEST for anything else: a condition that is not understood is never dropped.
 */
export function writeCondition(ifMatch: string | undefined, ifNoneMatch: string | undefined): WriteCondition {
  if (ifMatch === undefined && ifNoneMatch === undefined) return NO_CONDITION;
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'If-Match and If-None-Match exclude each other' });
  }
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*') return ABSENT;
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'If-None-Match of a write is *' });
  }
  const tag = (ifMatch ?? '').trim();
  if (tag === '*') return EXISTS;
  const revision = revisionOf(tag);
  if (revision === undefined) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'If-Match is * or one entity tag: "<revision>"' });
  }
  return { condition: Condition.revisionEquals, revision };
}

/** True when a read's `If-None-Match` names this revision (weak comparison, as reads do it) or is `*`. */
export function matchesEntityTag(ifNoneMatch: string, revision: number): boolean {
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((tag) => revisionOf(tag.trim().replace(/^W\//, '')) === revision);
}

function revisionOf(tag: string): number | undefined {
  const digits = /^"([1-9]\d{0,15})"$/.exec(tag)?.[1];
  const revision = Number(digits);
  return digits !== undefined && Number.isSafeInteger(revision) ? revision : undefined;
}
