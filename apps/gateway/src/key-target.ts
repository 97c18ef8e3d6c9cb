import { decodeUtf8 } from '@holdfast/io';
import { HoldfastError, KEY_BYTES_MAX, KEYSPACE_NAME_BYTES_MAX } from '@holdfast/wire';
import { percentDecoded } from './percent-encoding.ts';

export interface KeyTarget {
  readonly keyspace: string;
  /** The exact bytes of the key: 1 to KEY_BYTES_MAX; valid UTF-8 unless they were given as base64url. */
  readonly key: Uint8Array;
}

/** `/v1/keyspaces/{keyspace}/keys/` has five slashes; what follows the third and the fifth is of interest. */
const SLASHES_BEFORE_KEYSPACE = 3;
const SLASHES_BEFORE_KEY = 5;

const SLASH = 0x2f;
const HASH = 0x23;
const QUESTION_MARK = 0x3f;

/**
 * Reads keyspace and key from the request target as it came over the wire: `.`, `..`, `//`, `%2F` and every other
 * byte reach the store as they were written, because no router, URL class or normalization has touched them. Two
 * different keys never become one: what is not exactly UTF-8 after percent-decoding is refused. A key of any bytes is
 * given as base64url.
 *
 * @param target a target that the route has accepted, so it has the five slashes.
 * @param encoding `base64url` when the key part is the unpadded base64url of the key (RFC 4648, section 5).
 * @param suffix what stands behind the key in the path, when something does.
 * @throws HoldfastError HF_KEY_INVALID, HF_KEY_TOO_LARGE, HF_KEYSPACE_NOT_FOUND, HF_BAD_REQUEST.
 */
export function readKeyTarget(target: string, encoding: string | undefined, suffix = ''): KeyTarget {
  const start = pathStart(target);
  const end = pathEnd(target, start) - suffix.length;
  const keyspaceStart = afterSlash(target, start, SLASHES_BEFORE_KEYSPACE);
  const keyStart = afterSlash(target, keyspaceStart, SLASHES_BEFORE_KEY - SLASHES_BEFORE_KEYSPACE);
  return {
    keyspace: readKeyspace(target, keyspaceStart, target.indexOf('/', keyspaceStart)),
    key: readKey(target, keyStart, end, encoding),
  };
}

/**
 * The keyspace of a target under `/v1/keyspaces/{keyspace}/`.
 *
 * @throws HoldfastError HF_KEYSPACE_NOT_FOUND for what cannot be a name.
 */
export function readKeyspaceOf(target: string): string {
  const start = afterSlash(target, pathStart(target), SLASHES_BEFORE_KEYSPACE);
  return readKeyspace(target, start, target.indexOf('/', start));
}

/** True when the path of a target ends with this. */
export function pathEndsWith(target: string, suffix: string): boolean {
  return target.endsWith(suffix, pathEnd(target, pathStart(target)));
}

function readKeyspace(target: string, start: number, end: number): string {
  const bytes = percentDecoded(target, start, end, KEYSPACE_NAME_BYTES_MAX);
  const name = typeof bytes === 'string' ? undefined : decodeUtf8(bytes);
  // A name that cannot be is the name of no keyspace.
  if (name === undefined) throw new HoldfastError('HF_KEYSPACE_NOT_FOUND');
  return name;
}

function readKey(target: string, start: number, end: number, encoding: string | undefined): Uint8Array {
  if (start >= end) throw new HoldfastError('HF_KEY_INVALID', { detail: 'the key is empty' });
  if (encoding === 'base64url') return readBase64Key(target.slice(start, end));
  if (encoding !== undefined) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'key_encoding is base64url, or absent' });
  }
  const bytes = percentDecoded(target, start, end, KEY_BYTES_MAX);
  if (bytes === 'too large') throw new HoldfastError('HF_KEY_TOO_LARGE');
  if (bytes === 'malformed') {
    throw new HoldfastError('HF_KEY_INVALID', { detail: '% stands before two hexadecimal digits' });
  }
  if (decodeUtf8(bytes) === undefined) {
    throw new HoldfastError('HF_KEY_INVALID', { detail: 'the key is not valid UTF-8' });
  }
  return bytes;
}

/**
 * A key as base64url without padding: any bytes.
 *
 * @throws HoldfastError HF_KEY_INVALID, HF_KEY_TOO_LARGE.
 */
export function readBase64Key(text: string): Uint8Array {
  if (text.length > Math.ceil((KEY_BYTES_MAX * 4) / 3)) throw new HoldfastError('HF_KEY_TOO_LARGE');
  const bytes = Buffer.from(text, 'base64url');
  // Decoding is lenient; a text that is not the encoding of its result could share a key with another one.
  if (bytes.toString('base64url') !== text) {
    throw new HoldfastError('HF_KEY_INVALID', { detail: 'not base64url without padding' });
  }
  return bytes;
}

/** A target may be a whole URL (RFC 9112, section 3.2.2); its path begins behind the authority. */
function pathStart(target: string): number {
  return target.charCodeAt(0) === SLASH ? 0 : target.indexOf('/', target.indexOf('://') + 3);
}

function pathEnd(target: string, start: number): number {
  for (let i = start; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code === QUESTION_MARK) return i;
    if (code === HASH) throw new HoldfastError('HF_KEY_INVALID', { detail: '# in a path is written %23' });
  }
  return target.length;
}

/** The position behind the `count`-th slash at or after `from`. */
function afterSlash(target: string, from: number, count: number): number {
  let position = from;
  for (let i = 0; i < count; i++) position = target.indexOf('/', position) + 1;
  return position;
}
