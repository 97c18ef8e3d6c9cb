import type { Operation } from '@holdfast/client';
import { encodeUtf8, viewOf } from '@holdfast/io';
import { Condition, HoldfastError, KEY_BYTES_MAX, KEYSPACE_NAME_BYTES_MAX, OpKind } from '@holdfast/wire';
import { z } from 'zod';
import { readBase64Key } from '../key-target.ts';
import { TTL_MS_MAX } from '../request-options.ts';
import { jsonValueSchema, storedOf } from '../values/json-value.ts';

const revision = z.int().min(1);

/** Where an operation happens: a key as text, or as bytes. */
export const placeSchema = {
  keyspace: z.string().min(1).max(KEYSPACE_NAME_BYTES_MAX).default('default'),
  key: z.string().optional().describe('1 to 4,096 bytes of UTF-8.'),
  key_base64url: z.string().optional().describe('In place of `key`: any bytes, without padding.'),
};

const conditionSchema = {
  if_revision: revision.optional().describe('Only when this is the current revision.'),
  if_absent: z.literal(true).optional().describe('Only when the key has no value.'),
  if_exists: z.literal(true).optional().describe('Only when the key has a value.'),
};

export const putSchema = z.strictObject({
  op: z.literal('put'),
  ...placeSchema,
  ...jsonValueSchema,
  ttl_ms: z.int().min(1).max(TTL_MS_MAX).optional().describe('Time to live, in milliseconds.'),
});
export const deleteSchema = z.strictObject({ op: z.literal('delete'), ...placeSchema });
export const incrementOpSchema = z.strictObject({
  op: z.literal('increment'),
  ...placeSchema,
  delta: z.int().default(1),
});
export const getSchema = z.strictObject({ op: z.literal('get'), ...placeSchema });

/** An operation that is executed by itself. */
export const operationSchema = z.discriminatedUnion('op', [
  getSchema.extend({ revision: revision.optional().describe('Read as it was at this revision.') }),
  putSchema.extend(conditionSchema),
  deleteSchema.extend(conditionSchema),
  incrementOpSchema.extend(conditionSchema),
]);

type Place = Readonly<Pick<z.output<typeof getSchema>, 'keyspace' | 'key' | 'key_base64url'>>;
type Conditions = Readonly<{
  if_revision?: number | undefined;
  if_absent?: true | undefined;
  if_exists?: true | undefined;
}>;

/** @throws HoldfastError HF_BAD_REQUEST, HF_KEY_INVALID, HF_KEY_TOO_LARGE, HF_VALUE_TOO_LARGE. */
export function operationOf(
  request: z.output<typeof operationSchema>,
): Operation & { readonly keyspace: string } {
  const { keyspace } = request;
  const key = keyOf(request);
  switch (request.op) {
    case 'get':
      return { kind: OpKind.get, keyspace, key, revision: request.revision };
    case 'put':
      return {
        kind: OpKind.put,
        keyspace,
        key,
        ...storedOf(request),
        ttlMs: request.ttl_ms,
        ...conditionOf(request),
      };
    case 'delete':
      return { kind: OpKind.delete, keyspace, key, ...conditionOf(request) };
    case 'increment':
      return {
        kind: OpKind.increment,
        keyspace,
        key,
        value: counterBytes(request.delta),
        ...conditionOf(request),
      };
  }
}

/** @throws HoldfastError HF_BAD_REQUEST unless there is one of the two; HF_KEY_INVALID, HF_KEY_TOO_LARGE. */
export function keyOf({ key, key_base64url: base64 }: Omit<Place, 'keyspace'>): Uint8Array {
  if ((key === undefined) === (base64 === undefined)) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'there is one of key and key_base64url' });
  }
  const bytes = key === undefined ? readBase64Key(base64 ?? '') : encodeUtf8(key);
  if (bytes === undefined || bytes.length === 0) throw new HoldfastError('HF_KEY_INVALID');
  if (bytes.length > KEY_BYTES_MAX) throw new HoldfastError('HF_KEY_TOO_LARGE');
  return bytes;
}

function conditionOf({ if_revision: revisionEquals, if_absent: absent, if_exists: exists }: Conditions) {
  const given = [revisionEquals, absent, exists].filter((condition) => condition !== undefined).length;
  if (given > 1) throw new HoldfastError('HF_BAD_REQUEST', { detail: 'conditions exclude each other' });
  if (revisionEquals !== undefined) {
    return { condition: Condition.revisionEquals, revision: revisionEquals };
  }
  if (absent !== undefined) return { condition: Condition.absent };
  return exists === undefined ? {} : { condition: Condition.exists };
}

/** An increment's operand as operations carry it. */
export function counterBytes(delta: number): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigInt64(0, BigInt(delta), true);
  return bytes;
}
