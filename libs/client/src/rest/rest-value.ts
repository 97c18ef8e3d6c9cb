import { EMPTY_BYTES, utf8 } from '@holdfast/io';
import { fromBase64 } from './base64-url.ts';
import { jsonEnd } from './json-end.ts';

/** A stored value as a gateway's JSON shows it, and where its members end. */
export interface ShownValue {
  readonly contentType: Uint8Array;
  /** Empty when there is none. */
  readonly value: Uint8Array;
  readonly end: number;
}

/** The members of a value up to its text, from the comma in front, in the order in which a gateway writes them. */
const MEMBERS = /(?:,"content_type":("(?:[^"\\]|\\.)*"))?(?:,"(value|text|base64)":)?/y;

/**
 * The value whose members begin at `start`. JSON is taken as it is written, digit for digit, but for line breaks between
 * its tokens, which a gateway writes as blanks.
 *
 * @throws SyntaxError for a string that is none.
 */
export function readShownValue(text: string, start: number): ShownValue {
  MEMBERS.lastIndex = start;
  const [whole = '', type, form] = MEMBERS.exec(text) ?? [];
  const from = start + whole.length;
  const end = form === undefined ? from : jsonEnd(text, from);
  return {
    contentType: type === undefined ? EMPTY_BYTES : utf8(JSON.parse(type) as string),
    value: form === undefined ? EMPTY_BYTES : valueOf(form, text.slice(from, end)),
    end,
  };
}

function valueOf(form: string, text: string): Uint8Array {
  if (form === 'value') return utf8(text);
  const content = JSON.parse(text) as string;
  return form === 'text' ? utf8(content) : fromBase64(content);
}

/** A key, its revision and what follows, as listings and watches have it. */
export interface ShownRow extends ShownValue {
  readonly key: Uint8Array;
  readonly revision: number;
}

const ROW = /\{"key_base64url":"([\w-]*)","revision":(\d{1,16})/y;

/** The row that begins at `start`; undefined when none does. @throws SyntaxError like {@link readShownValue}. */
export function readShownRow(text: string, start: number): ShownRow | undefined {
  ROW.lastIndex = start;
  const head = ROW.exec(text);
  if (head === null) return undefined;
  const [whole, key, revision] = head;
  const shown = readShownValue(text, start + whole.length);
  return { ...shown, key: fromBase64(key), revision: Number(revision) };
}
