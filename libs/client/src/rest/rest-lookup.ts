import { EMPTY_BYTES } from '@holdfast/io';
import { type OperationRecord, OpKind } from '@holdfast/wire';
import { isErrorCode, type JsonObject } from './rest-problem.ts';

/** What a gateway calls the operations that it remembers. */
const KINDS: ReadonlyMap<unknown, OpKind> = new Map<unknown, OpKind>([
  ['put', OpKind.put],
  ['delete', OpKind.delete],
  ['increment', OpKind.increment],
  ['transaction', OpKind.transaction],
  ['delete_range', OpKind.deleteRange],
]);

/** What a gateway tells of a write by its idempotency key; undefined for what no gateway says. It has no payload. */
export function readOperationRecord(body: JsonObject | undefined): OperationRecord | undefined {
  const { operation, code, revision, value = 0, existed = false, succeeded = false } = body ?? {};
  const kind = KINDS.get(operation);
  const expiresAtMs = Date.parse(String(body?.['expires_at']));
  if (kind === undefined || !Number.isSafeInteger(revision) || Number.isNaN(expiresAtMs)) return undefined;
  if (code !== undefined && (typeof code !== 'string' || !isErrorCode(code))) return undefined;
  return {
    kind,
    refusal: code,
    revision: Number(revision),
    counter: Number(value),
    existed: existed === true,
    succeeded: succeeded === true,
    expiresAtMs,
    payload: EMPTY_BYTES,
  };
}
