import { concatBytes, decodeUtf8 } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';

/** One event of a stream. */
export interface ServerEvent {
  /** `message` when the stream names none. */
  readonly type: string;
  readonly data: string;
  readonly id: string | undefined;
}

/** The longest event, in bytes: a value that is all escapes is six times as long in JSON. */
export const EVENT_BYTES_MAX = 8 * 1024 * 1024;
const LF = 0x0a;
const CR = 0x0d;

/** Server-sent events (HTML Living Standard, section 9.2.6) out of pieces, cut anywhere. */
export class EventParser {
  /** Of the line that has not ended. */
  #rest: Uint8Array[] = [];
  #bytes = 0;
  #afterCr = false;
  #type = '';
  #data: string[] = [];
  #id: string | undefined;

  /**
   * The events that end in this piece. Bytes of it are kept until their line ends.
   *
   * @throws HoldfastError `HF_PROTOCOL` for what is not UTF-8, and beyond EVENT_BYTES_MAX.
   */
  push(piece: Uint8Array): readonly ServerEvent[] {
    const events: ServerEvent[] = [];
    let from = 0;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at];
      if (byte !== LF && byte !== CR) continue;
      const isPairEnd = byte === LF && at === from && this.#afterCr;
      this.#afterCr = byte === CR;
      if (!isPairEnd) this.#endLine(piece.subarray(from, at), events);
      from = at + 1;
    }
    if (from < piece.length) {
      this.#afterCr = false;
      this.#count(piece.length - from);
      this.#rest.push(piece.subarray(from));
    }
    return events;
  }

  #endLine(tail: Uint8Array, events: ServerEvent[]): void {
    this.#count(tail.length);
    const whole = this.#rest.length === 0 ? tail : concatBytes([...this.#rest, tail]);
    this.#rest = [];
    if (whole.length === 0) this.#endEvent(events);
    else this.#field(decodeUtf8(whole));
  }

  #endEvent(events: ServerEvent[]): void {
    const type = this.#type === '' ? 'message' : this.#type;
    if (this.#data.length > 0) events.push({ type, data: this.#data.join('\n'), id: this.#id });
    this.#type = '';
    this.#data = [];
    this.#id = undefined;
    this.#bytes = 0;
  }

  #field(line: string | undefined): void {
    if (line === undefined) throw broken('an event is not UTF-8');
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'event') this.#type = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id') this.#id = value;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > EVENT_BYTES_MAX) throw broken('an event is too large');
  }
}

function broken(detail: string): HoldfastError {
  return new HoldfastError('HF_PROTOCOL', { outcome: 'not_applied', detail });
}
