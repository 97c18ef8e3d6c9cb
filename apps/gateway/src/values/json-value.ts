import { decodeUtf8, encodeUtf8, utf8 } from '@holdfast/io';
import { CONTENT_TYPE_BYTES_MAX, HoldfastError, VALUE_BYTES_MAX } from '@holdfast/wire';
import { z } from 'zod';
import { RawJson } from '../strict-json.ts';

/** A value inside a JSON document: exactly one of the three, and what it is. */
export const jsonValueSchema = {
  value: z
    .instanceof(RawJson)
    .optional()
    .describe('Any JSON; it is stored as it is written here, as application/json.'),
  text: z.string().optional().describe('Text; stored as UTF-8, as text/plain.'),
  base64: z.base64().optional().describe('Bytes (RFC 4648, section 4); stored as application/octet-stream.'),
  content_type: z
    .string()
    .regex(/^[\u0020-\u007e]*$/)
    .max(CONTENT_TYPE_BYTES_MAX)
    .optional()
    .describe('In place of the one that the form stands for.'),
};

/** The members of a JSON document that are kept as they were written. */
export const RAW_MEMBERS: ReadonlySet<string> = new Set(['value']);

interface JsonValue {
  readonly value?: RawJson | undefined;
  readonly text?: string | undefined;
  readonly base64?: string | undefined;
  readonly content_type?: string | undefined;
}

/** @throws HoldfastError HF_BAD_REQUEST unless there is exactly one value; HF_VALUE_TOO_LARGE. */
export function storedOf({ value, text, base64, content_type: type }: JsonValue): {
  readonly value: Uint8Array;
  readonly contentType: Uint8Array;
} {
  const given = [value, text, base64].filter((form) => form !== undefined).length;
  if (given !== 1) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'there is one of value, text and base64' });
  }
  const [bytes, typeOfForm] =
    value !== undefined
      ? [encodeUtf8(value.text), 'application/json']
      : text !== undefined
        ? [encodeUtf8(text), 'text/plain; charset=utf-8']
        : [Buffer.from(base64 ?? '', 'base64'), ''];
  if (bytes === undefined) throw new HoldfastError('HF_BAD_REQUEST', { detail: 'text has a lone surrogate' });
  if (bytes.length > VALUE_BYTES_MAX) throw new HoldfastError('HF_VALUE_TOO_LARGE');
  return { value: bytes, contentType: utf8(type ?? typeOfForm) };
}

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
const TEXT_TYPE = /^text\/[^;]+(?:;\s*charset="?utf-8"?\s*)?$/i;

/**
 * A stored value as members of a JSON object, without braces: `value` when it is JSON and says so, digit for digit as
 * it was stored; `text` when it is text; else `base64`. Holds no line break.
 */
export function valueMembers(bytes: Uint8Array, contentType: Uint8Array): string {
  const type = Buffer.from(contentType).toString('latin1');
  const head = type === '' ? '' : `"content_type":${JSON.stringify(type)},`;
  const isJson = JSON_TYPE.test(type);
  const text = isJson || TEXT_TYPE.test(type) ? decodeUtf8(bytes) : undefined;
  if (text !== undefined && isJson && isJsonText(text)) {
    // In JSON, a line break can only stand between two tokens.
    return `${head}"value":${text.replaceAll(/[\r\n]/g, ' ')}`;
  }
  if (text !== undefined && !isJson) return `${head}"text":${JSON.stringify(text)}`;
  const { buffer, byteOffset, byteLength } = bytes;
  return `${head}"base64":"${Buffer.from(buffer, byteOffset, byteLength).toString('base64')}"`;
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
