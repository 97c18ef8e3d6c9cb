import { decodeUtf8, type NodeId } from '@holdfast/io';
import {
  DataRequestReader,
  DataResponseReader,
  type Frame,
  FrameType,
  OpKind,
  readError,
  readGoAway,
  readHello,
  readHelloAck,
  readOperationRecord,
  readRaftBatch,
  readRangeMap,
  readRangeMapRequest,
  readSnapshotAck,
  readSnapshotChunk,
  readTransaction,
  readTransactionAnswer,
  readWatchCredit,
  readWatchEnd,
  readWatchStart,
  WatchEventsReader,
} from '../src/index.ts';

/** Everything a frame says, through the public readers, as plain data. Reads every accessor there is. */
export function describeFrame(frame: Frame): unknown {
  const { type, requestId, version, more, trace, payload } = frame;
  const name = Object.entries(FrameType).find(([, number]) => number === type)?.[0];
  return { type: name, requestId, version, more, trace: trace && text(trace), payload: describePayload(type, payload) };
}

export function describePayload(type: FrameType, payload: Uint8Array): unknown {
  switch (type) {
    case FrameType.hello:
      return plain(readHello(payload));
    case FrameType.helloAck:
      return plain(readHelloAck(payload));
    case FrameType.goAway:
      return readGoAway(payload);
    case FrameType.error: {
      const { code, outcome, detail, retryAfterMs, leaderHint } = readError(payload);
      return { code, outcome, detail, retryAfterMs, leaderHint };
    }
    case FrameType.rangeMapRequest:
      return readRangeMapRequest(payload);
    case FrameType.rangeMap:
      return plain(readRangeMap(payload));
    case FrameType.dataRequest:
      return describeRequest(DataRequestReader.read(payload));
    case FrameType.dataResponse:
      return describeResponse(DataResponseReader.read(payload));
    case FrameType.raftBatch:
      return plain(readRaftBatch(payload, 1 as NodeId, 3 as NodeId));
    case FrameType.snapshotChunk:
      return plain(readSnapshotChunk(payload));
    case FrameType.snapshotAck:
      return readSnapshotAck(payload);
    case FrameType.watchStart:
      return plain(readWatchStart(payload));
    case FrameType.watchCredit:
      return readWatchCredit(payload);
    case FrameType.watchEnd:
      return readWatchEnd(payload);
    case FrameType.watchEvents:
      return describeChanges(new WatchEventsReader(payload));
    default:
      return text(payload);
  }
}

function describeChanges(reader: WatchEventsReader): unknown {
  const changes = [];
  while (reader.next()) {
    const { kind, revision, key, contentType, value } = reader;
    changes.push({ kind, revision, key: text(key), contentType: text(contentType), value: text(value) });
  }
  return { progress: reader.progress, watches: reader.watches, changes };
}

function describeRequest(batch: DataRequestReader): unknown {
  const ops = Array.from({ length: batch.count }, (_, i) => ({
    refusal: batch.refusal(i),
    kind: batch.kind(i),
    range: batch.rangeId(i),
    keyspace: batch.keyspaceId(i),
    key: text(batch.key(i)),
    endKey: text(batch.endKey(i)),
    contentType: text(batch.contentType(i)),
    value: batch.kind(i) === OpKind.transaction ? plain(readTransaction(batch.value(i))) : text(batch.value(i)),
    idempotencyKey: text(batch.idempotencyKey(i)),
    condition: batch.condition(i),
    revision: batch.revision(i),
    ttlMs: batch.ttlMs(i),
    deadlineMs: batch.opDeadlineMs(i),
    limit: batch.limit(i),
    limitBytes: batch.limitBytes(i),
    reverse: batch.reverse(i),
    keysOnly: batch.keysOnly(i),
    countOnly: batch.countOnly(i),
    pinned: batch.pinned(i),
    tellExisted: batch.tellExisted(i),
    delta: batch.valueLength(i) === 8 ? batch.delta(i) : undefined,
  }));
  const { deadlineMs, consistency, maxStalenessMs, minRevision } = batch;
  return { deadlineMs, consistency, maxStalenessMs, minRevision, ops };
}

function describeResponse(batch: DataResponseReader): unknown {
  const answers = Array.from({ length: batch.count }, (_, i) => {
    const rows = [];
    const cursor = batch.rows(i);
    while (batch.rowCount(i) > 0 && cursor.next()) {
      const { key, contentType, value, revision } = cursor;
      rows.push({ key: text(key), contentType: text(contentType), value: text(value), revision });
    }
    return {
      op: batch.opIndex(i),
      code: batch.ok(i) ? 'OK' : batch.error(i).code,
      outcome: batch.outcome(i),
      flags: batch.flags(i),
      revision: batch.revision(i),
      served: batch.served(i),
      stalenessMs: batch.stalenessMs(i),
      leaderHint: batch.leaderHint(i),
      retryAfterMs: batch.retryAfterMs(i),
      contentType: text(batch.contentType(i)),
      value: rows.length > 0 ? rows : describeValue(batch, i),
      expiresAtMs: batch.expiresAtMs(i),
      succeeded: batch.succeeded(i),
      result: Number.isNaN(batch.result(i)) ? undefined : batch.result(i),
      resumeKey: text(batch.resumeKey(i)),
      detail: batch.detail(i),
    };
  });
  return { clock: batch.clock, answers };
}

/** Answers to transactions and lookups are of the sizes that those have in the sample. */
function describeValue(batch: DataResponseReader, i: number): unknown {
  const value = batch.value(i);
  if (batch.ok(i) && batch.succeeded(i)) return plain(readTransactionAnswer(value));
  if (batch.ok(i) && batch.expiresAtMs(i) !== 0) return plain(readOperationRecord(value));
  return text(value);
}

/** Text where it is printable, hexadecimal where it is not. */
function text(bytes: Uint8Array): string {
  const decoded = decodeUtf8(bytes);
  if (decoded !== undefined && !/\p{Cc}/u.test(decoded)) return decoded;
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return text(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
