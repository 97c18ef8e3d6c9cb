import { HoldfastError } from '@holdfast/wire';
import type { z } from 'zod';

/** A body of administration, in bytes. */
export const ADMIN_BODY_BYTES_MAX = 64 * 1024;

const text = new TextDecoder('utf-8', { fatal: true });

/** A JSON body that fits the schema. @throws HoldfastError HF_BAD_REQUEST that names every field that does not. */
export function readJson<S extends z.ZodType>(body: unknown, schema: S): z.output<S> {
  if (!(body instanceof Uint8Array) || body.length > ADMIN_BODY_BYTES_MAX) {
    throw new HoldfastError('HF_BAD_REQUEST', {
      detail: `the body is a JSON object of at most ${ADMIN_BODY_BYTES_MAX} bytes`,
    });
  }
  let json: unknown;
  try {
    json = JSON.parse(text.decode(body));
  } catch (cause) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'the body is not JSON in UTF-8', cause });
  }
  return readQuery(json, schema);
}

/** Parameters that fit the schema. @throws HoldfastError HF_BAD_REQUEST that names every one that does not. */
export function readQuery<S extends z.ZodType>(values: unknown, schema: S): z.output<S> {
  const { success, data, error } = schema.safeParse(values);
  if (success) return data;
  const detail = error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
    .join('; ');
  throw new HoldfastError('HF_BAD_REQUEST', { detail });
}
