import { HoldfastError } from '@holdfast/wire';
import type { z } from 'zod';

/** Parameters that fit the schema. @throws HoldfastError HF_BAD_REQUEST that names every one that does not. */
export function readParameters<S extends z.ZodType>(values: unknown, schema: S): z.output<S> {
  const { success, data, error } = schema.safeParse(values);
  if (success) return data;
  const detail = error.issues
    .map(({ path, message }) => `${path.map(String).join('.')}: ${message}`)
    .join('; ');
  throw new HoldfastError('HF_BAD_REQUEST', { detail });
}
