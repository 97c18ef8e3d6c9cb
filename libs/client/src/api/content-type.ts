import { copyBytes, EMPTY_BYTES, equalBytes } from '@holdfast/io';
import { HoldfastError, type ScanRowsReader } from '@holdfast/wire';

/** Content types remembered; an application uses a handful. */
const KNOWN_MAX = 16;

/** Content types between text and bytes; the few that are used are made once. */
export class ContentTypes {
  readonly #bytes = new Map<string, Uint8Array>();
  #last = { text: '', bytes: EMPTY_BYTES };
  readonly #known: { readonly text: string; readonly bytes: Uint8Array }[] = [];

  /** @throws HoldfastError `HF_BAD_REQUEST` unless it is ASCII. */
  encode(text: string): Uint8Array {
    const known = this.#bytes.get(text);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x20 || unit > 0x7e)
        throw new HoldfastError('HF_BAD_REQUEST', { detail: 'contentType is ASCII' });
      bytes[i] = unit;
    }
    if (this.#bytes.size < KNOWN_MAX) this.#bytes.set(text, bytes);
    return bytes;
  }

  /** That of the row, which is nearly always the one of the row before. */
  ofRow(rows: ScanRowsReader): string {
    if (!rows.contentTypeIs(this.#last.bytes)) {
      const { contentType } = rows;
      this.#last = { text: this.decode(contentType), bytes: copyBytes(contentType) };
    }
    return this.#last.text;
  }

  decode(bytes: Uint8Array): string {
    for (const known of this.#known) if (equalBytes(known.bytes, bytes)) return known.text;
    const text = String.fromCharCode(...bytes);
    if (this.#known.length < KNOWN_MAX) this.#known.push({ text, bytes: copyBytes(bytes) });
    return text;
  }
}
