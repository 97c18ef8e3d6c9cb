import { HoldfastError } from '@holdfast/wire';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { parseStrictJson } from './strict-json.ts';

/** `application/json`, and every `…+json`; a charset other than UTF-8 is none of JSON's (RFC 8259, section 8.1). */
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;\s*charset=(?:"utf-8"|utf-8)\s*)?$/i;

interface JsonBodyOptions {
  readonly bytesMax: number;
  /** Members that are kept as they were written. */
  readonly rawMembers?: ReadonlySet<string>;
}

/**
 * The body of a request as strict JSON in the shape of `schema`.
 *
 * @throws HoldfastError HF_UNSUPPORTED_MEDIA_TYPE; HF_BATCH_TOO_LARGE; HF_BAD_REQUEST, which names the field.
 */
export function readJsonBody<S extends z.ZodType>(
  { headers, body }: Pick<FastifyRequest, 'headers' | 'body'>,
  schema: S,
  { bytesMax, rawMembers }: JsonBodyOptions,
): z.output<S> {
  if (!JSON_TYPE.test(headers['content-type'] ?? '') || headers['content-encoding'] !== undefined) {
    throw new HoldfastError('HF_UNSUPPORTED_MEDIA_TYPE', { detail: 'the body is application/json' });
  }
  const bytes = body instanceof Uint8Array ? body : new Uint8Array(0);
  if (bytes.length > bytesMax) {
    throw new HoldfastError('HF_BATCH_TOO_LARGE', { detail: `the body has at most ${bytesMax} bytes` });
  }
  const result = schema.safeParse(parseStrictJson(bytes, rawMembers));
  if (result.success) return result.data;
  throw new HoldfastError('HF_BAD_REQUEST', { detail: problemText(result.error) });
}

/** The first thing that is wrong, and where; never what was sent. */
function problemText({ issues }: z.ZodError): string {
  const [issue] = issues;
  const place = issue.path.map(String).join('.');
  return place === '' ? issue.message : `${place}: ${issue.message}`;
}
