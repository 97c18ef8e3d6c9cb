import { ChangeKind, type ChangeRecord } from '@holdfast/client';
import { problemOf } from '@holdfast/service';
import type { HoldfastError } from '@holdfast/wire';
import { keyMember } from '../ranges/row-text.ts';
import { valueMembers } from '../values/json-value.ts';

/** Names of events on the stream. */
const NAMES: Readonly<Record<ChangeKind, string>> = {
  [ChangeKind.put]: 'put',
  [ChangeKind.delete]: 'delete',
  [ChangeKind.expire]: 'expire',
};

/** Sent first: how long a reader waits before it comes back, in milliseconds. */
export const RETRY_TEXT = 'retry: 1000\n\n';
/** Keeps proxies from taking the stream for dead. */
export const HEARTBEAT_TEXT = ':\n\n';

/** A change without its id: the same for all watches that are told of it. */
export function changeText(record: ChangeRecord, keysAsBase64: boolean): string {
  const { kind, key, revision } = record;
  const head = `{${keyMember(key, keysAsBase64)},"revision":${revision}`;
  const tail = kind === ChangeKind.put ? `,${valueMembers(record.value, record.contentType)}}` : '}';
  return `event: ${NAMES[kind]}\ndata: ${head}${tail}\n`;
}

/** The line that makes a reader resume here, and the end of the event. */
export const idText = (resume: number): string => `id: ${resume}\n\n`;

export const progressText = (revision: number): string =>
  `event: progress\ndata: {"revision":${revision}}\n${idText(revision)}`;

/**
 * Changes behind where the reader was are no longer kept. Its next try begins at the oldest revision that is: what lies
 * between is lost to it, and this says so.
 */
export const compactedText = (oldest: number): string =>
  `event: compacted\ndata: {"oldest":${oldest}}\n${idText(oldest)}`;

/** The last event of a stream: why, as a problem document. A reader may come back when it is retryable. */
export function endText(error: HoldfastError, requestId: string): string {
  return `event: end\ndata: ${JSON.stringify(problemOf(error, requestId))}\n\n`;
}
