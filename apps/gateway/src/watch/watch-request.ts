import { concatBytes } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import { Query } from '../query.ts';
import { keyOf, readSpan, type Span } from '../ranges/range-request.ts';

const WATCH_PARAMETERS: ReadonlySet<string> = new Set([
  'prefix',
  'start',
  'end',
  'key',
  'key_encoding',
  'from',
]);
const ZERO = Uint8Array.of(0);

export interface WatchRequest extends Span {
  /** Changes behind this revision; 0 = from now on. */
  readonly after: number;
}

/**
 * `GET /v1/keyspaces/{ks}/watch?…`. A reader that comes back says with `Last-Event-ID` where it was: that goes before
 * `from`, which its first request said.
 *
 * @throws HoldfastError HF_BAD_REQUEST, HF_KEY_INVALID, HF_KEY_TOO_LARGE.
 */
export function readWatchRequest(target: string, lastEventId: string | undefined): WatchRequest {
  const query = new Query(target, WATCH_PARAMETERS);
  const after = revisionIn(lastEventId, 'Last-Event-ID') ?? revisionIn(query.text('from'), 'from') ?? 0;
  const span = readSpan(target, query);
  const key = keyOf(query, 'key', span.keysAsBase64);
  if (key === undefined) return { ...span, after };
  if (span.bounded) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'key stands alone, without prefix, start and end' });
  }
  if (key.length === 0) throw new HoldfastError('HF_KEY_INVALID', { detail: 'the key is empty' });
  return { ...span, start: key, end: concatBytes([key, ZERO]), after };
}

function revisionIn(text: string | undefined, name: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(revision)) return revision;
  throw new HoldfastError('HF_BAD_REQUEST', { detail: `${name} is a revision` });
}
