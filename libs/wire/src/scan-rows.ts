import { assert, decodeUtf8, EMPTY_BYTES, type Revision, viewOf } from '@holdfast/io';
import { SCAN_ROW as ROW } from './generated/layout.ts';
import { GrowableBytes } from './growable-bytes.ts';
import { ProtocolError } from './holdfast-error.ts';
import { CONTENT_TYPE_BYTES_MAX, KEY_BYTES_MAX, SCAN_ROWS_MAX, VALUE_BYTES_MAX } from './limits.ts';
import { getU53, isU53, putU53 } from './u53.ts';

/** Longer runs of bytes are copied by `set`. */
const SHORT_BYTES_MAX = 32;

/** A row where it lies. */
export interface RowSpan {
  readonly key: Uint8Array;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly value: Uint8Array;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly revision: number;
}

/**
 * Rows of a scan: head, key, content type, value; head, key, … without gaps. They are written once and read from
 * first to last, so a row stands together instead of in columns.
 *
 * ```
 *  0            8              12           14                   15      16
 *  +------------+--------------+------------+--------------------+-------+-----+--------------+-------+
 *  | revision   | value length | key length | content type length| flags | key | content type | value |
 *  | u64 < 2^53 | u32          | u16        | u8                 | u8 = 0|     |              |       |
 *  +------------+--------------+------------+--------------------+-------+-----+--------------+-------+
 * ```
 *
 * Collects the rows of one scan. Used again after `reset`.
 */
export class ScanRowsBuilder {
  readonly #rows = new GrowableBytes(4 * 1024);
  #count = 0;

  /** Rows so far; at most SCAN_ROWS_MAX. */
  get count(): number {
    return this.#count;
  }

  /** Bytes so far, heads included: what the scan's byte limit counts. */
  get byteLength(): number {
    return this.#rows.length;
  }

  get bytes(): Uint8Array {
    return this.#rows.bytes.subarray(0, this.#rows.length);
  }

  add(key: Uint8Array, value: Uint8Array, revision: number, contentType: Uint8Array = EMPTY_BYTES): void {
    assert(this.#count < SCAN_ROWS_MAX, 'more than SCAN_ROWS_MAX rows');
    assert(key.length <= KEY_BYTES_MAX && value.length <= VALUE_BYTES_MAX, 'key or value above its limit');
    assert(contentType.length <= CONTENT_TYPE_BYTES_MAX, 'content type longer than CONTENT_TYPE_BYTES_MAX');
    const rows = this.#rows;
    const at = rows.reserve(ROW.bytes);
    putU53(rows.view, at + ROW.revision, revision);
    rows.view.setUint32(at + ROW.valueLength, value.length, true);
    rows.view.setUint32(at + ROW.keyLength, key.length | (contentType.length << 16), true); // flags 0
    rows.append(key);
    if (contentType.length > 0) rows.append(contentType);
    if (value.length > 0) rows.append(value);
    this.#count++;
  }

  /**
   * Adds a row from where it lies, as {@link add} does and without a view of its parts.
   * @param keySkip bytes in front of the key that belong to whoever stores it
   * @param valueSkip the same of the value; content type and value stand behind them without a gap
   * @param keysOnly the value stays out
   */
  addSpan(
    row: RowSpan,
    keySkip: number,
    valueSkip: number,
    contentTypeLength: number,
    keysOnly: boolean,
  ): void {
    assert(this.#count < SCAN_ROWS_MAX, 'more than SCAN_ROWS_MAX rows');
    const keyStart = row.keyStart + keySkip;
    const keyLength = row.keyEnd - keyStart;
    const restStart = row.valueStart + valueSkip;
    const valueLength = keysOnly ? 0 : row.valueEnd - restStart - contentTypeLength;
    assert(keyLength <= KEY_BYTES_MAX && valueLength <= VALUE_BYTES_MAX, 'key or value above its limit');
    const rows = this.#rows;
    const at = rows.reserve(ROW.bytes + keyLength + contentTypeLength + valueLength);
    const { view, bytes } = rows;
    putU53(view, at + ROW.revision, row.revision);
    view.setUint32(at + ROW.valueLength, valueLength, true);
    view.setUint32(at + ROW.keyLength, keyLength | (contentTypeLength << 16), true); // flags 0
    let to = at + ROW.bytes;
    // Measured: for a short key a loop costs a quarter of a view and `set`.
    const { key } = row;
    if (keyLength <= SHORT_BYTES_MAX) for (let i = 0; i < keyLength; i++) bytes[to + i] = key[keyStart + i];
    else bytes.set(key.subarray(keyStart, row.keyEnd), to);
    to += keyLength;
    bytes.set(row.value.subarray(restStart, restStart + contentTypeLength + valueLength), to);
    this.#count++;
  }

  reset(): void {
    this.#rows.reset();
    this.#count = 0;
  }
}

/**
 * A cursor over verified rows: `while (rows.next()) use(rows.key, …)`. Stands before the first row at first.
 * Views of the payload: copy what outlives it.
 */
export class ScanRowsReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #end = 0;
  #left: number;

  /** @param bytes the value of an answer whose rows `verifyScanRows` has accepted. */
  constructor(bytes: Uint8Array, count: number) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#left = count;
  }

  /** Moves to the next row; false when there is none. */
  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    this.#at = this.#end;
    this.#end += rowBytes(this.#view, this.#at);
    return true;
  }

  get revision(): Revision {
    return getU53(this.#view, this.#at + ROW.revision) as Revision;
  }

  get key(): Uint8Array {
    const start = this.#at + ROW.bytes;
    return this.#bytes.subarray(start, start + this.#keyLength);
  }

  /** The key in memory of its own. */
  keyCopy(): Uint8Array {
    const start = this.#at + ROW.bytes;
    // The `slice` of a `Buffer` would be a view.
    return Uint8Array.prototype.slice.call(this.#bytes, start, start + this.#keyLength);
  }

  /** The key as text; undefined when its bytes are not UTF-8. */
  keyText(): string | undefined {
    return decodeUtf8(this.key);
  }

  /** Whether the content type has exactly these bytes. */
  contentTypeIs(bytes: Uint8Array): boolean {
    const { length } = bytes;
    if (this.#view.getUint8(this.#at + ROW.contentTypeLength) !== length) return false;
    const start = this.#at + ROW.bytes + this.#keyLength;
    for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== bytes[i]) return false;
    return true;
  }

  get contentType(): Uint8Array {
    const start = this.#at + ROW.bytes + this.#keyLength;
    return this.#bytes.subarray(start, start + this.#view.getUint8(this.#at + ROW.contentTypeLength));
  }

  get value(): Uint8Array {
    return this.#bytes.subarray(
      this.#end - this.#view.getUint32(this.#at + ROW.valueLength, true),
      this.#end,
    );
  }

  get #keyLength(): number {
    return this.#view.getUint16(this.#at + ROW.keyLength, true);
  }
}

/**
 * Checks that exactly `count` rows tile `view[start .. end)`.
 * @throws ProtocolError
 */
export function verifyScanRows(view: DataView, start: number, end: number, count: number): void {
  if (count > SCAN_ROWS_MAX) throw new ProtocolError('limit', `${count} rows`);
  let at = start;
  for (let i = 0; i < count; i++) {
    if (end - at < ROW.bytes || !isU53(view, at + ROW.revision))
      throw new ProtocolError('malformed', 'row head');
    at += rowBytes(view, at);
  }
  if (at !== end) throw new ProtocolError('malformed', 'rows and bytes differ in length');
}

function rowBytes(view: DataView, at: number): number {
  return (
    ROW.bytes +
    view.getUint16(at + ROW.keyLength, true) +
    view.getUint8(at + ROW.contentTypeLength) +
    view.getUint32(at + ROW.valueLength, true)
  );
}
