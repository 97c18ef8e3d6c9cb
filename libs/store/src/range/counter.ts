import { decodeUtf8, utf8 } from '@holdfast/io';
import { encodeStoredValue, readStoredValue } from './stored-value.ts';

const JSON_TYPE = utf8('application/json');

/**
 * The integer that a stored value holds: decimal digits, as JSON writes a whole number, inside the safe range.
 * Undefined for anything else.
 */
export function readCounter(stored: Uint8Array): number | undefined {
  const { value } = readStoredValue(stored);
  if (value.length > 17) return undefined;
  const text = decodeUtf8(value);
  if (text === undefined || !/^(0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const counter = Number(text);
  return Number.isSafeInteger(counter) ? counter : undefined;
}

/** A counter as it is stored: people read it as a JSON number. @param expiresAtMs 0 for never */
export function encodeCounter(counter: number, expiresAtMs: number): Uint8Array {
  return encodeStoredValue(JSON_TYPE, utf8(String(counter)), expiresAtMs);
}
