import type { Row } from '../store/store.ts';
import { parseExactJson } from './exact-json.ts';

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
const TEXT_TYPE = /^text\/[^;]+(?:;\s*charset="?utf-8"?\s*)?$/i;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A row as the gateway writes and takes it: one key, and one of `value` (JSON), `text` and `base64`. */
export interface JsonRow {
  readonly key?: string;
  readonly key_base64url?: string;
  readonly revision?: number;
  readonly content_type?: string;
  readonly value?: unknown;
  readonly text?: string;
  readonly base64?: string;
}

/** The text that bytes are, exactly; undefined when they are none. */
export function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

export function keyMember(key: Buffer): Pick<JsonRow, 'key' | 'key_base64url'> {
  const text = textOf(key);
  return text === undefined ? { key_base64url: key.toString('base64url') } : { key: text };
}

/** @param exact every value as base64, so that not even white space inside JSON changes. */
export function valueMember(bytes: Buffer, contentType: string, exact = false): JsonRow {
  const type = contentType === '' ? {} : { content_type: contentType };
  const isJson = JSON_TYPE.test(contentType);
  const text = !exact && (isJson || TEXT_TYPE.test(contentType)) ? textOf(bytes) : undefined;
  if (text !== undefined && !isJson) return { ...type, text };
  const value = text === undefined ? undefined : jsonOf(text);
  return value === undefined ? { ...type, base64: bytes.toString('base64') } : { ...type, value };
}

/** A value on one line: JSON and text as they are, but for line breaks; other bytes as base64. */
export function valueLine(bytes: Buffer, contentType: string): string {
  const { value, text, base64 } = valueMember(bytes, contentType);
  return value === undefined
    ? (text?.replaceAll(/[\r\n]/g, ' ') ?? `base64:${base64}`)
    : JSON.stringify(value);
}

export function jsonRow({ key, revision, bytes, contentType }: Row, exact = false): JsonRow {
  return { ...keyMember(key), revision, ...valueMember(bytes, contentType, exact) };
}

/** Undefined when it is no row; the reverse of {@link jsonRow} but for the revision. */
export function entryOf(row: JsonRow): { key: Buffer; bytes: Buffer; contentType: string } | undefined {
  const { key, key_base64url: keyBase64, text, base64, content_type: type } = row;
  const forms = [row.value, text, base64].filter((form) => form !== undefined).length;
  if ((key === undefined) === (keyBase64 === undefined) || forms !== 1) return undefined;
  const keyBytes = key === undefined ? decoded(keyBase64, 'base64url') : encoded(key);
  const [bytes, typeOfForm] =
    row.value !== undefined
      ? [encoded(JSON.stringify(row.value)), 'application/json']
      : text !== undefined
        ? [encoded(text), 'text/plain; charset=utf-8']
        : [decoded(base64, 'base64'), ''];
  if (keyBytes === undefined || bytes === undefined) return undefined;
  if (type !== undefined && typeof type !== 'string') return undefined;
  return { key: keyBytes, bytes, contentType: type ?? typeOfForm };
}

function encoded(text: unknown): Buffer | undefined {
  return typeof text === 'string' && text.isWellFormed() ? Buffer.from(text) : undefined;
}

/** Decoding is lenient: what is not the encoding of its result is refused. */
function decoded(text: unknown, encoding: 'base64' | 'base64url'): Buffer | undefined {
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, encoding);
  return bytes.toString(encoding) === text ? bytes : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}
