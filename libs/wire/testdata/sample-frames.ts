import { type KeyspaceId, type NodeId, pureKernels, type RangeId, type Revision, utf8 } from '@holdfast/io';
import {
  AnswerFlag,
  ChangeKind,
  Condition,
  Consistency,
  DataRequestBuilder,
  DataResponseBuilder,
  encodeChange,
  encodeError,
  encodeOperationRecord,
  encodeTransaction,
  encodeTransactionAnswer,
  encodeFrame,
  encodeGoAway,
  encodeHello,
  encodeHelloAck,
  encodePing,
  encodeRangeMap,
  encodeRangeMapRequest,
  encodeSnapshotAck,
  encodeSnapshotChunk,
  encodeWatchCancel,
  encodeWatchCredit,
  encodeWatchEnd,
  encodeWatchEvents,
  encodeWatchStart,
  FrameType,
  HoldfastError,
  OpKind,
  PeerRole,
  RaftBatchBuilder,
  ScanRowsBuilder,
} from '../src/index.ts';

/** One frame of every kind, always the same bytes: what golden frames and fuzzers start from. */

const kernels = pureKernels;
const VERSION = 1;
const node = (id: number): NodeId => id as NodeId;
const range = (id: number): RangeId => id as RangeId;
const keyspace = 1 as KeyspaceId;
const clusterId = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i);
const trace = Uint8Array.from({ length: 25 }, (_, i) => i + 1);
/** 2026-11-01 or so, as a revision. */
const REVISION = 107_611_027_890_176;

function dataRequest(): Uint8Array {
  const batch = new DataRequestBuilder();
  batch.put(range(2), keyspace, utf8('users/42'), utf8('{"name":"Ada"}'), {
    condition: Condition.revisionEquals,
    revision: REVISION,
    ttlMs: 86_400_000,
    contentType: utf8('application/json'),
    idempotencyKey: utf8('7b9c'),
    deadlineMs: 250,
  });
  batch.get(range(3), keyspace, utf8('users/43'), REVISION - 1);
  batch.getRevision(range(3), keyspace, utf8('ключ'));
  batch.delete(range(2), keyspace, utf8('users/7'), { condition: Condition.exists });
  batch.increment(range(2), keyspace, utf8('visits'), -3);
  batch.scan(range(3), keyspace, utf8('users/'), utf8('users0'), { limit: 100, limitBytes: 65_536, reverse: true });
  const increment = Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
  const steps = encodeTransaction({
    checks: [
      { keyspace, key: utf8('a'), condition: Condition.revisionEquals, revision: REVISION, value: utf8('') },
      { keyspace, key: utf8('b'), condition: Condition.valueEquals, revision: 0, value: utf8('{}') },
    ],
    success: [
      { kind: OpKind.put, keyspace, key: utf8('a'), value: utf8('1'), contentType: utf8('text/plain'), ttlMs: 60_000 },
      { kind: OpKind.increment, keyspace, key: utf8('n'), value: increment, contentType: utf8(''), ttlMs: 0 },
    ],
    failure: [{ kind: OpKind.get, keyspace, key: utf8('a'), value: utf8(''), contentType: utf8(''), ttlMs: 0 }],
  });
  batch.transaction(range(2), keyspace, utf8('a'), steps, { idempotencyKey: utf8('tx-1') });
  batch.deleteRange(range(2), keyspace, utf8('logs/'), utf8('logs0'), { limit: 500 });
  batch.lookup(range(2), utf8('tx-1'));
  batch.scan(range(3), keyspace, utf8(''), utf8(''), { countOnly: true, pinned: true });
  batch.put(range(2), keyspace, utf8('k'), utf8('v'), { tellExisted: true });
  const head = { deadlineMs: 5000, consistency: Consistency.bounded, maxStalenessMs: 1500, minRevision: REVISION };
  return batch.toFrame(kernels, 7, VERSION, head, trace);
}

function dataResponse(): Uint8Array {
  const rows = new ScanRowsBuilder();
  rows.add(utf8('users/43'), utf8('{}'), REVISION, utf8('application/json'));
  rows.add(utf8('users/42'), utf8(''), REVISION - 4096);
  const answers = new DataResponseBuilder();
  answers.value(1, REVISION, utf8('{"name":"Grace"}'), utf8('application/json'), Consistency.bounded, 320);
  answers.written(0, REVISION + 1, AnswerFlag.found | AnswerFlag.replayed | AnswerFlag.leader);
  answers.rows(5, rows, {
    served: Consistency.strong,
    stalenessMs: 0,
    revision: REVISION,
    flags: AnswerFlag.more,
    resumeKey: utf8('users/42'),
  });
  answers.absent(2);
  answers.incremented(4, REVISION + 2, -3);
  const step = { contentType: utf8(''), expiresAtMs: 0 };
  const made = encodeTransactionAnswer({
    failedCheck: undefined,
    results: [
      { ...step, revision: REVISION + 3, found: true, value: utf8('') },
      { ...step, revision: REVISION + 3, found: false, value: Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff) },
    ],
  });
  answers.transacted(6, REVISION + 3, made, AnswerFlag.succeeded);
  const counted = { served: Consistency.strong, stalenessMs: 0, revision: REVISION + 4 };
  answers.counted(7, 500, { ...counted, flags: AnswerFlag.more, resumeKey: utf8('logs/5'), applied: true });
  const record = encodeOperationRecord({
    kind: OpKind.transaction,
    refusal: undefined,
    revision: REVISION + 3,
    counter: 0,
    existed: false,
    succeeded: true,
    expiresAtMs: 1_800_000_000_000,
    payload: made,
  });
  answers.value(8, REVISION + 3, record, utf8(''), Consistency.strong, 0, 0, 1_800_000_000_000);
  answers.counted(9, 42, { ...counted, flags: 0, resumeKey: utf8('') });
  answers.refused(3, 'HF_NOT_LEADER', { leaderHint: node(2), retryAfterMs: 20, detail: 'moved' });
  return answers.toFrame(kernels, 7, VERSION, REVISION + 9, true);
}

function raftBatch(): Uint8Array {
  const batch = new RaftBatchBuilder(node(1), node(3));
  const common = {
    from: node(1),
    to: node(3),
    term: 7,
    index: 100,
    logTerm: 6,
    commit: 99,
    reject: false,
    rejectHint: 0,
    context: 0,
    clock: REVISION,
    entries: [],
    snapshot: undefined,
  };
  const entries = [
    { term: 6, index: 101, kind: 0 as const, data: utf8('first') },
    { term: 7, index: 102, kind: 1 as const, data: utf8('') },
    { term: 7, index: 103, kind: 0 as const, data: utf8('third') },
  ];
  batch.add({ ...common, kind: 1, group: range(2), entries });
  batch.add({ ...common, kind: 2, group: range(3), reject: true, rejectHint: 90 });
  batch.add({ ...common, kind: 7, group: range(4), context: 12 });
  const conf = {
    voters: [node(1), node(2)],
    votersOutgoing: [node(1)],
    learners: [node(3)],
    learnersNext: [node(4)],
    autoLeave: true,
  };
  batch.add({ ...common, kind: 9, group: range(5), snapshot: { index: 88, term: 6, conf } });
  return batch.toFrame(kernels, VERSION);
}

const rangeMap = {
  generation: 12,
  nodes: [
    { nodeId: node(1), address: '127.0.0.1:7711' },
    { nodeId: node(2), address: '[::1]:7712' },
  ],
  ranges: [
    { rangeId: range(1), start: utf8(''), end: utf8('m'), replicas: [node(1), node(2)], leaderHint: node(2), generation: 3 },
    { rangeId: range(2), start: utf8('m'), end: utf8(''), replicas: [node(2)], leaderHint: 0 as const, generation: 4 },
  ],
  keyspaces: [
    { keyspaceId: keyspace, name: 'default', replication: 'raft' as const, factor: 0, defaultTtlMs: 0, keyBytesMax: 0, valueBytesMax: 0 },
    { keyspaceId: 9 as KeyspaceId, name: 'метрики', replication: 'async' as const, factor: 3, defaultTtlMs: 86_400_000, keyBytesMax: 64, valueBytesMax: 65_536 },
  ],
};

const hello = {
  clusterId,
  nodeId: node(1),
  toNodeId: node(2),
  role: PeerRole.node,
  versionMin: 1,
  versionMax: 1,
  features: 5,
  frameBytesMax: 16_777_216,
  token: 'secret',
  address: '127.0.0.1:7711',
  agent: 'holdfast/0.1.0',
  storage: REVISION,
};

const helloAck = {
  refusal: undefined,
  version: 1,
  nodeId: node(2),
  clusterId,
  features: 4,
  frameBytesMax: 16_777_216,
  detail: '',
  agent: 'holdfast/0.1.0',
};

const transfer = { group: range(2), from: node(1), to: node(3), snapshotId: REVISION };

/** Name -> frame. */
export const SAMPLE_FRAMES: ReadonlyMap<string, Uint8Array> = new Map([
  ['hello', encodeHello(kernels, 1, hello)],
  ['hello-ack', encodeHelloAck(kernels, 1, helloAck)],
  ['ping', encodePing(kernels, VERSION, 2, utf8('ping'))],
  ['go-away', encodeGoAway(kernels, VERSION, { reason: 'HF_UNAVAILABLE', drainMs: 3000, detail: 'draining' })],
  [
    'error',
    encodeError(kernels, VERSION, 3, new HoldfastError('HF_OVERLOADED', { retryAfterMs: 40, leaderHint: node(2), revision: 0 as Revision })),
  ],
  ['range-map-request', encodeRangeMapRequest(kernels, VERSION, 4, 11)],
  ['range-map', encodeRangeMap(kernels, VERSION, 4, rangeMap)],
  ['data-request', dataRequest()],
  ['data-response', dataResponse()],
  ['raft-batch', raftBatch()],
  [
    'snapshot-chunk',
    encodeSnapshotChunk(kernels, VERSION, {
      ...transfer,
      term: 7,
      index: 88,
      offset: 95,
      total: 100,
      crc: 0x1234_5678,
      done: true,
      data: utf8('chunk'),
    }),
  ],
  ['snapshot-ack', encodeSnapshotAck(kernels, VERSION, { ...transfer, offset: 95, refusal: 'HF_DISK_FULL' })],
  [
    'watch-start',
    encodeWatchStart(kernels, VERSION, 5, {
      range: range(2),
      keyspace,
      start: utf8('users/'),
      end: utf8('users0'),
      after: REVISION,
      credit: 65_536,
      progressMs: 1000,
    }),
  ],
  [
    'watch-events',
    encodeWatchEvents(
      kernels,
      VERSION,
      [5, 6, 9],
      [
        encodeChange(ChangeKind.put, REVISION + 1, utf8('users/42'), utf8('application/json'), utf8('{"name":"Ada"}')),
        encodeChange(ChangeKind.delete, REVISION + 2, utf8('users/7'), utf8(''), utf8('')),
        encodeChange(ChangeKind.expire, REVISION + 2, utf8('users/8'), utf8(''), utf8('')),
      ],
      REVISION + 4,
    ),
  ],
  ['watch-progress', encodeWatchEvents(kernels, VERSION, [5], [], REVISION + 9)],
  ['watch-credit', encodeWatchCredit(kernels, VERSION, 5, 4096)],
  ['watch-cancel', encodeWatchCancel(kernels, VERSION, 5)],
  [
    'watch-end',
    encodeWatchEnd(kernels, VERSION, 5, {
      reason: 'HF_COMPACTED',
      leaderHint: node(2),
      retryAfterMs: 20,
      progress: REVISION,
      oldest: REVISION + 4096,
      detail: 'too old',
    }),
  ],
  ['gossip', encodeFrame(kernels, { type: FrameType.gossip, requestId: 0, version: VERSION }, utf8('opaque'))],
]);
