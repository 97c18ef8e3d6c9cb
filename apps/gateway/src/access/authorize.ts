import { compareBytes } from '@holdfast/io';
import { type Grant, type Principal, type Role, ROLES } from './principal.ts';

/** What an operation touches: one key, or all keys of an interval (an empty `end` is the end of the keyspace). */
export type Span = { readonly key: Uint8Array } | { readonly start: Uint8Array; readonly end: Uint8Array };

/**
 * `keyspace_hidden`: nothing in the keyspace is the principal's, so for him it does not exist. `key_hidden`: the key is
 * not his to read, so for him it has no value. `forbidden`: he may know what is there, but not do this.
 */
export type Decision = 'allowed' | 'keyspace_hidden' | 'key_hidden' | 'forbidden';

const NOTHING = new Uint8Array(0);
/** Every key of a keyspace; and what an operation on the keyspace itself needs. */
export const WHOLE_KEYSPACE: Span = { start: NOTHING, end: NOTHING };

/**
 * May the principal do, with this role, something to this part of a keyspace? All of it must be granted: an interval
 * may be put together from several grants, and a gap of one key refuses it. The verdict depends on nothing but its
 * arguments, so a refusal tells nobody what is stored.
 */
export function authorize(principal: Principal, role: Role, keyspace: string, span: Span): Decision {
  const rank = ROLES.indexOf(role);
  let visible = false;
  let usable: Grant[] | undefined;
  for (const grant of principal.grants) {
    if (!matches(grant.keyspace, keyspace)) continue;
    visible = true;
    if (ROLES.indexOf(grant.role) < rank) continue;
    if (covers(grant, span)) return 'allowed';
    (usable ??= []).push(grant);
  }
  if (!visible) return 'keyspace_hidden';
  if ('key' in span) return role === 'read' ? 'key_hidden' : 'forbidden';
  return usable !== undefined && joinedCover(usable, span.start, span.end) ? 'allowed' : 'forbidden';
}

function matches(pattern: string, keyspace: string): boolean {
  return pattern.endsWith('*') ? keyspace.startsWith(pattern.slice(0, -1)) : pattern === keyspace;
}

/** The grant alone is enough. */
function covers(grant: Grant, span: Span): boolean {
  if (grant.start.length === 0) return true;
  if ('key' in span) return compareBytes(span.key, grant.start) >= 0 && isBefore(span.key, grant.end);
  return compareBytes(span.start, grant.start) >= 0 && endsWithin(span.end, grant.end);
}

/** No key from `start` to `end` is outside of all grants. */
function joinedCover(grants: readonly Grant[], start: Uint8Array, end: Uint8Array): boolean {
  let reached = start;
  for (const grant of grants.toSorted((a, b) => compareBytes(a.start, b.start))) {
    if (compareBytes(grant.start, reached) > 0) return false;
    if (grant.end.length === 0) return true;
    if (compareBytes(grant.end, reached) > 0) reached = grant.end;
    if (endsWithin(end, reached)) return true;
  }
  return false;
}

/** `key < end`, where an empty end is behind every key. */
function isBefore(key: Uint8Array, end: Uint8Array): boolean {
  return end.length === 0 || compareBytes(key, end) < 0;
}

/** `end <= outer`, where empty ends are behind every key. */
function endsWithin(end: Uint8Array, outer: Uint8Array): boolean {
  if (outer.length === 0) return true;
  return end.length > 0 && compareBytes(end, outer) <= 0;
}
