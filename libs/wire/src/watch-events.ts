import { assert, type Kernels, type Revision, viewOf } from '@holdfast/io';
import { encodeFrame, FrameType } from './frame.ts';
import { WATCH_EVENT as EVENT, WATCH_EVENTS, WATCH_EVENTS_SLOT as SLOT } from './generated/layout.ts';
import { ProtocolError } from './holdfast-error.ts';
import { WATCHES_PER_FRAME_MAX } from './limits.ts';
import { TableTemplate, vectorStart } from './table-template.ts';
import { getU53, isU53, putU53 } from './u53.ts';
import { scalarU32, scalarU53, vectorAt, verifyTable } from './verifier.ts';

/** What happened to a key. Numbers are part of the protocol. */
export const ChangeKind = {
  put: 1,
  delete: 2,
  /** Its time to live was over. */
  expire: 3,
} as const;
export type ChangeKind = (typeof ChangeKind)[keyof typeof ChangeKind];

const TEMPLATE = new TableTemplate(WATCH_EVENTS);
const WATCHES_AT = vectorStart(TEMPLATE.bytes, 4);

/**
 * One change as it travels: head, key, content type, value. It is encoded once, whoever watches.
 *
 * ```
 *  0            8              12           14                   15     16
 *  +------------+--------------+------------+--------------------+------+-----+--------------+-------+
 *  | revision   | value length | key length | content type length| kind | key | content type | value |
 *  | u64 < 2^53 | u32          | u16        | u8                 | u8   |     |              |       |
 *  +------------+--------------+------------+--------------------+------+-----+--------------+-------+
 * ```
 */
export function encodeChange(
  kind: ChangeKind,
  revision: number,
  key: Uint8Array,
  contentType: Uint8Array,
  value: Uint8Array,
): Uint8Array {
  const contentTypeAt = EVENT.bytes + key.length;
  const valueAt = contentTypeAt + contentType.length;
  const bytes = new Uint8Array(valueAt + value.length);
  const view = viewOf(bytes);
  putU53(view, EVENT.revision, revision);
  view.setUint32(EVENT.valueLength, value.length, true);
  view.setUint16(EVENT.keyLength, key.length, true);
  bytes[EVENT.contentTypeLength] = contentType.length;
  bytes[EVENT.kind] = kind;
  bytes.set(key, EVENT.bytes);
  bytes.set(contentType, contentTypeAt);
  bytes.set(value, valueAt);
  return bytes;
}

/**
 * Changes for several watches of one connection in one frame.
 *
 * @param watches request ids, 1 to WATCHES_PER_FRAME_MAX.
 * @param changes what {@link encodeChange} made, in the order of revisions; without any the frame is a progress mark.
 * @param progress nothing at or below is missing once the frame has come; 0 says nothing.
 */
export function encodeWatchEvents(
  kernels: Kernels,
  version: number,
  watches: readonly number[],
  changes: readonly Uint8Array[],
  progress: number,
): Uint8Array {
  assert(watches.length > 0 && watches.length <= WATCHES_PER_FRAME_MAX, 'watches of one frame');
  let eventBytes = 0;
  for (const change of changes) eventBytes += change.length;
  const eventsAt = vectorStart(WATCHES_AT + 4 + 4 * watches.length, 4);
  return encodeFrame(
    kernels,
    { type: FrameType.watchEvents, requestId: 0, version },
    {
      byteLength: eventsAt + 4 + eventBytes,
      writeTo(target, view, offset) {
        TEMPLATE.write(target, offset);
        const at = (slot: number): number => offset + TEMPLATE.position(slot);
        putU53(view, at(SLOT.progress), progress);
        view.setUint32(at(SLOT.count), changes.length, true);
        view.setUint32(at(SLOT.watches), offset + WATCHES_AT - at(SLOT.watches), true);
        view.setUint32(at(SLOT.events), offset + eventsAt - at(SLOT.events), true);
        view.setUint32(offset + WATCHES_AT, watches.length, true);
        for (const [i, watch] of watches.entries()) {
          view.setUint32(offset + WATCHES_AT + 4 + 4 * i, watch, true);
        }
        view.setUint32(offset + eventsAt, eventBytes, true);
        let end = offset + eventsAt + 4;
        for (const change of changes) {
          target.set(change, end);
          end += change.length;
        }
      },
    },
  );
}

/**
 * A cursor over the changes of a verified frame: `while (changes.next()) use(changes.key, …)`. Stands before the
 * first at first. Views of the payload: copy what outlives it.
 */
export class WatchEventsReader {
  readonly progress: number;
  /** Request ids of the watches that the changes are for. */
  readonly watches: readonly number[];
  readonly count: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #first: number;
  #at = 0;
  #end: number;
  #left: number;

  /** @throws ProtocolError */
  constructor(payload: Uint8Array) {
    const view = viewOf(payload);
    const table = verifyTable(view, WATCH_EVENTS);
    const watchesAt = vectorAt(view, table, SLOT.watches);
    const watches = view.getUint32(watchesAt, true);
    if (watches > WATCHES_PER_FRAME_MAX) throw new ProtocolError('limit', `${watches} watches in a frame`);
    const eventsAt = vectorAt(view, table, SLOT.events);
    this.progress = scalarU53(view, table, SLOT.progress);
    this.watches = Array.from({ length: watches }, (_, i) => view.getUint32(watchesAt + 4 + 4 * i, true));
    this.count = scalarU32(view, table, SLOT.count);
    this.#bytes = payload;
    this.#view = view;
    this.#first = eventsAt + 4;
    this.#end = this.#first;
    this.#left = this.count;
    verifyChanges(view, this.#first, this.#first + view.getUint32(eventsAt, true), this.count);
  }

  /** Moves to the next change; false when there is none. */
  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    this.#at = this.#end;
    this.#end += changeBytes(this.#view, this.#at);
    return true;
  }

  /** Goes back in front of the first. */
  rewind(): void {
    this.#end = this.#first;
    this.#left = this.count;
  }

  get revision(): Revision {
    return getU53(this.#view, this.#at + EVENT.revision) as Revision;
  }

  get kind(): ChangeKind {
    return this.#view.getUint8(this.#at + EVENT.kind) as ChangeKind;
  }

  get key(): Uint8Array {
    const start = this.#at + EVENT.bytes;
    return this.#bytes.subarray(start, start + this.#keyLength);
  }

  get contentType(): Uint8Array {
    const start = this.#at + EVENT.bytes + this.#keyLength;
    return this.#bytes.subarray(start, start + this.#view.getUint8(this.#at + EVENT.contentTypeLength));
  }

  get value(): Uint8Array {
    return this.#bytes.subarray(
      this.#end - this.#view.getUint32(this.#at + EVENT.valueLength, true),
      this.#end,
    );
  }

  get #keyLength(): number {
    return this.#view.getUint16(this.#at + EVENT.keyLength, true);
  }
}

/** Checks that exactly `count` changes tile `view[start .. end)`, of known kinds and in order of revisions. */
function verifyChanges(view: DataView, start: number, end: number, count: number): void {
  let at = start;
  let revision = 0;
  for (let i = 0; i < count; i++) {
    if (end - at < EVENT.bytes || !isU53(view, at + EVENT.revision))
      throw new ProtocolError('malformed', 'head of a change');
    const kind = view.getUint8(at + EVENT.kind);
    if (kind < ChangeKind.put || kind > ChangeKind.expire)
      throw new ProtocolError('malformed', `change of kind ${kind}`);
    const next = getU53(view, at + EVENT.revision);
    if (next < revision) throw new ProtocolError('malformed', 'changes out of order');
    revision = next;
    at += changeBytes(view, at);
  }
  if (at !== end) throw new ProtocolError('malformed', 'changes and bytes differ in length');
}

function changeBytes(view: DataView, at: number): number {
  return (
    EVENT.bytes +
    view.getUint16(at + EVENT.keyLength, true) +
    view.getUint8(at + EVENT.contentTypeLength) +
    view.getUint32(at + EVENT.valueLength, true)
  );
}
