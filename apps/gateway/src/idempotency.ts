import { hash } from 'node:crypto';
import { HoldfastError, IDEMPOTENCY_KEY_BYTES_MAX } from '@holdfast/wire';
import type { FastifyRequest } from 'fastify';
import { callerOf } from './access/access-gate.ts';
import type { Caller } from './access/caller.ts';
import { single } from './request-options.ts';

/** The `Idempotency-Key` of a request as the store knows it. @throws HoldfastError HF_IDEMPOTENCY_KEY_INVALID. */
export function idempotencyKey(request: FastifyRequest): Uint8Array | undefined {
  const header = request.headers['idempotency-key'];
  return header === undefined ? undefined : scopedKey(callerOf(request), idempotencyKeyText(header));
}

/** `Idempotency-Key`: 1 to 255 bytes, one character each. @throws HoldfastError HF_IDEMPOTENCY_KEY_INVALID. */
export function idempotencyKeyText(header: string | readonly string[] | undefined): string | undefined {
  const text = single(header, 'Idempotency-Key');
  if (text === undefined || (text.length > 0 && text.length <= IDEMPOTENCY_KEY_BYTES_MAX)) return text;
  throw new HoldfastError('HF_IDEMPOTENCY_KEY_INVALID');
}

/**
 * A tenant's idempotency key under a name that no other tenant can have: a digest of both (SHA-256), so that the name
 * has the same length however long the two are.
 */
export function scopedKey(caller: Caller, key: string): Uint8Array;
export function scopedKey(caller: Caller, key: string | undefined): Uint8Array | undefined;
export function scopedKey({ principal }: Caller, key: string | undefined): Uint8Array | undefined {
  if (key === undefined) return undefined;
  // A tenant's name has no such character, so no two pairs become one text.
  return hash('sha256', Buffer.from(`${principal.tenant}\n${key}`, 'latin1'), 'buffer');
}
