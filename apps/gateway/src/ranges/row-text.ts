import { decodeUtf8 } from '@holdfast/io';
import type { ScanRowsReader } from '@holdfast/wire';
import { valueMembers } from '../values/json-value.ts';

export interface RowForm {
  readonly keysOnly: boolean;
  readonly keysAsBase64: boolean;
}

/** The row that a cursor stands on as a JSON object on one line. */
export function rowText(rows: ScanRowsReader, { keysOnly, keysAsBase64 }: RowForm): string {
  const head = `{${keyMember(rows.key, keysAsBase64)},"revision":${rows.revision}`;
  if (!keysOnly) return `${head},${valueMembers(rows.value, rows.contentType)}}`;
  return `${head}}`;
}

/** A key as text, or as base64url where it is asked for or is not UTF-8. */
export function keyMember(key: Uint8Array, asBase64: boolean): string {
  const text = asBase64 ? undefined : decodeUtf8(key);
  if (text !== undefined) return `"key":${JSON.stringify(text)}`;
  const { buffer, byteOffset, byteLength } = key;
  return `"key_base64url":"${Buffer.from(buffer, byteOffset, byteLength).toString('base64url')}"`;
}
