// Generated from schema/*.fbs by `npm run gen`: do not edit.
import type { TableShape } from '../table-shape.ts';

/** Byte positions in the struct `OperationRecord`, and its size. */
export const OPERATION_RECORD = {
  bytes: 32,
  revision: 0,
  counter: 8,
  expiresAtMs: 16,
  status: 24,
  kind: 26,
  flags: 27,
  reserved0: 28,
} as const;

/** Byte positions in the struct `RequestOp`, and its size. */
export const REQUEST_OP = {
  bytes: 56,
  revision: 0,
  ttlMs: 8,
  rangeId: 16,
  keyspaceId: 20,
  blobOffset: 24,
  valueLength: 28,
  limit: 32,
  limitBytes: 36,
  deadlineMs: 40,
  keyLength: 44,
  endKeyLength: 46,
  kind: 48,
  flags: 49,
  condition: 50,
  contentTypeLength: 51,
  idempotencyLength: 52,
  reserved0: 53,
  reserved1: 54,
} as const;

/** Byte positions in the struct `ResponseOp`, and its size. */
export const RESPONSE_OP = {
  bytes: 48,
  revision: 0,
  blobOffset: 8,
  valueLength: 12,
  rowCount: 16,
  stalenessMs: 20,
  leaderHint: 24,
  retryAfterMs: 28,
  index: 32,
  status: 34,
  resumeKeyLength: 36,
  detailLength: 38,
  flags: 40,
  served: 41,
  outcome: 42,
  contentTypeLength: 43,
  reserved0: 44,
} as const;

/** Byte positions in the struct `ScanRow`, and its size. */
export const SCAN_ROW = {
  bytes: 16,
  revision: 0,
  valueLength: 8,
  keyLength: 12,
  contentTypeLength: 14,
  flags: 15,
} as const;

/** Byte positions in the struct `StepResult`, and its size. */
export const STEP_RESULT = {
  bytes: 24,
  revision: 0,
  expiresAtMs: 8,
  valueLength: 16,
  contentTypeLength: 20,
  flags: 21,
  reserved0: 22,
} as const;

/** Byte positions in the struct `TransactionAnswer`, and its size. */
export const TRANSACTION_ANSWER = {
  bytes: 8,
  stepCount: 0,
  failedCheck: 2,
  reserved0: 4,
} as const;

/** Byte positions in the struct `TransactionHead`, and its size. */
export const TRANSACTION_HEAD = {
  bytes: 8,
  checkCount: 0,
  successCount: 2,
  failureCount: 4,
  reserved0: 6,
} as const;

/** Byte positions in the struct `TransactionStep`, and its size. */
export const TRANSACTION_STEP = {
  bytes: 32,
  revision: 0,
  ttlMs: 8,
  keyspaceId: 16,
  valueLength: 20,
  keyLength: 24,
  kind: 26,
  condition: 27,
  contentTypeLength: 28,
  reserved0: 29,
  reserved1: 30,
} as const;

export const DATA_REQUEST: TableShape = {
  name: 'DataRequest',
  fields: [
    { name: 'deadlineMs', kind: 'scalar', bytes: 4, required: false },
    { name: 'consistency', kind: 'scalar', bytes: 1, required: false },
    { name: 'maxStalenessMs', kind: 'scalar', bytes: 4, required: false },
    { name: 'minRevision', kind: 'scalar', bytes: 8, required: false },
    { name: 'ops', kind: 'vector', bytes: 56, required: true },
    { name: 'blob', kind: 'vector', bytes: 1, required: true },
  ],
};

/** Slots of the table `DataRequest`. */
export const DATA_REQUEST_SLOT = {
  deadlineMs: 0,
  consistency: 1,
  maxStalenessMs: 2,
  minRevision: 3,
  ops: 4,
  blob: 5,
} as const;

export const DATA_RESPONSE: TableShape = {
  name: 'DataResponse',
  fields: [
    { name: 'clock', kind: 'scalar', bytes: 8, required: false },
    { name: 'ops', kind: 'vector', bytes: 48, required: true },
    { name: 'blob', kind: 'vector', bytes: 1, required: true },
  ],
};

/** Slots of the table `DataResponse`. */
export const DATA_RESPONSE_SLOT = {
  clock: 0,
  ops: 1,
  blob: 2,
} as const;

/** Byte positions in the struct `RaftEntry`, and its size. */
export const RAFT_ENTRY = {
  bytes: 16,
  term: 0,
  dataLength: 8,
  kind: 12,
  reserved0: 13,
  reserved1: 14,
} as const;

/** Byte positions in the struct `RaftHead`, and its size. */
export const RAFT_HEAD = {
  bytes: 72,
  term: 0,
  index: 8,
  logTerm: 16,
  commit: 24,
  rejectHint: 32,
  context: 40,
  clock: 48,
  group: 56,
  entryCount: 60,
  snapshotLength: 64,
  kind: 68,
  flags: 69,
  reserved0: 70,
} as const;

/** Byte positions in the struct `SnapshotHead`, and its size. */
export const SNAPSHOT_HEAD = {
  bytes: 32,
  index: 0,
  term: 8,
  voterCount: 16,
  outgoingCount: 18,
  learnerCount: 20,
  learnerNextCount: 22,
  autoLeave: 24,
  reserved0: 25,
  reserved1: 26,
  reserved2: 28,
} as const;

export const RAFT_BATCH: TableShape = {
  name: 'RaftBatch',
  fields: [
    { name: 'from', kind: 'scalar', bytes: 4, required: false },
    { name: 'to', kind: 'scalar', bytes: 4, required: false },
    { name: 'heads', kind: 'vector', bytes: 72, required: true },
    { name: 'entries', kind: 'vector', bytes: 16, required: true },
    { name: 'blob', kind: 'vector', bytes: 1, required: true },
  ],
};

/** Slots of the table `RaftBatch`. */
export const RAFT_BATCH_SLOT = {
  from: 0,
  to: 1,
  heads: 2,
  entries: 3,
  blob: 4,
} as const;

export const SNAPSHOT_ACK: TableShape = {
  name: 'SnapshotAck',
  fields: [
    { name: 'group', kind: 'scalar', bytes: 4, required: false },
    { name: 'from', kind: 'scalar', bytes: 4, required: false },
    { name: 'to', kind: 'scalar', bytes: 4, required: false },
    { name: 'snapshotId', kind: 'scalar', bytes: 8, required: false },
    { name: 'offset', kind: 'scalar', bytes: 8, required: false },
    { name: 'status', kind: 'scalar', bytes: 2, required: false },
  ],
};

/** Slots of the table `SnapshotAck`. */
export const SNAPSHOT_ACK_SLOT = {
  group: 0,
  from: 1,
  to: 2,
  snapshotId: 3,
  offset: 4,
  status: 5,
} as const;

export const SNAPSHOT_CHUNK: TableShape = {
  name: 'SnapshotChunk',
  fields: [
    { name: 'group', kind: 'scalar', bytes: 4, required: false },
    { name: 'from', kind: 'scalar', bytes: 4, required: false },
    { name: 'to', kind: 'scalar', bytes: 4, required: false },
    { name: 'snapshotId', kind: 'scalar', bytes: 8, required: false },
    { name: 'term', kind: 'scalar', bytes: 8, required: false },
    { name: 'index', kind: 'scalar', bytes: 8, required: false },
    { name: 'offset', kind: 'scalar', bytes: 8, required: false },
    { name: 'total', kind: 'scalar', bytes: 8, required: false },
    { name: 'crc', kind: 'scalar', bytes: 4, required: false },
    { name: 'done', kind: 'scalar', bytes: 1, required: false },
    { name: 'data', kind: 'vector', bytes: 1, required: true },
  ],
};

/** Slots of the table `SnapshotChunk`. */
export const SNAPSHOT_CHUNK_SLOT = {
  group: 0,
  from: 1,
  to: 2,
  snapshotId: 3,
  term: 4,
  index: 5,
  offset: 6,
  total: 7,
  crc: 8,
  done: 9,
  data: 10,
} as const;

export const ERROR_FRAME: TableShape = {
  name: 'ErrorFrame',
  fields: [
    { name: 'status', kind: 'scalar', bytes: 2, required: false },
    { name: 'outcome', kind: 'scalar', bytes: 1, required: false },
    { name: 'retryAfterMs', kind: 'scalar', bytes: 4, required: false },
    { name: 'leaderHint', kind: 'scalar', bytes: 4, required: false },
    { name: 'detail', kind: 'text', bytes: 1, required: false },
  ],
};

/** Slots of the table `ErrorFrame`. */
export const ERROR_FRAME_SLOT = {
  status: 0,
  outcome: 1,
  retryAfterMs: 2,
  leaderHint: 3,
  detail: 4,
} as const;

export const GO_AWAY: TableShape = {
  name: 'GoAway',
  fields: [
    { name: 'status', kind: 'scalar', bytes: 2, required: false },
    { name: 'drainMs', kind: 'scalar', bytes: 4, required: false },
    { name: 'detail', kind: 'text', bytes: 1, required: false },
  ],
};

/** Slots of the table `GoAway`. */
export const GO_AWAY_SLOT = {
  status: 0,
  drainMs: 1,
  detail: 2,
} as const;

export const HELLO: TableShape = {
  name: 'Hello',
  fields: [
    { name: 'clusterId', kind: 'vector', bytes: 1, required: true },
    { name: 'nodeId', kind: 'scalar', bytes: 4, required: false },
    { name: 'toNodeId', kind: 'scalar', bytes: 4, required: false },
    { name: 'role', kind: 'scalar', bytes: 1, required: false },
    { name: 'versionMin', kind: 'scalar', bytes: 1, required: false },
    { name: 'versionMax', kind: 'scalar', bytes: 1, required: false },
    { name: 'features', kind: 'scalar', bytes: 4, required: false },
    { name: 'frameBytesMax', kind: 'scalar', bytes: 4, required: false },
    { name: 'token', kind: 'text', bytes: 1, required: false },
    { name: 'address', kind: 'text', bytes: 1, required: false },
    { name: 'agent', kind: 'text', bytes: 1, required: false },
    { name: 'storage', kind: 'scalar', bytes: 8, required: false },
    { name: 'membership', kind: 'scalar', bytes: 8, required: false },
  ],
};

/** Slots of the table `Hello`. */
export const HELLO_SLOT = {
  clusterId: 0,
  nodeId: 1,
  toNodeId: 2,
  role: 3,
  versionMin: 4,
  versionMax: 5,
  features: 6,
  frameBytesMax: 7,
  token: 8,
  address: 9,
  agent: 10,
  storage: 11,
  membership: 12,
} as const;

export const HELLO_ACK: TableShape = {
  name: 'HelloAck',
  fields: [
    { name: 'status', kind: 'scalar', bytes: 2, required: false },
    { name: 'version', kind: 'scalar', bytes: 1, required: false },
    { name: 'nodeId', kind: 'scalar', bytes: 4, required: false },
    { name: 'clusterId', kind: 'vector', bytes: 1, required: true },
    { name: 'features', kind: 'scalar', bytes: 4, required: false },
    { name: 'frameBytesMax', kind: 'scalar', bytes: 4, required: false },
    { name: 'detail', kind: 'text', bytes: 1, required: false },
    { name: 'agent', kind: 'text', bytes: 1, required: false },
  ],
};

/** Slots of the table `HelloAck`. */
export const HELLO_ACK_SLOT = {
  status: 0,
  version: 1,
  nodeId: 2,
  clusterId: 3,
  features: 4,
  frameBytesMax: 5,
  detail: 6,
  agent: 7,
} as const;

export const KEYSPACE: TableShape = {
  name: 'Keyspace',
  fields: [
    { name: 'keyspaceId', kind: 'scalar', bytes: 4, required: false },
    { name: 'name', kind: 'text', bytes: 1, required: true },
    { name: 'replication', kind: 'scalar', bytes: 1, required: false },
    { name: 'factor', kind: 'scalar', bytes: 1, required: false },
    { name: 'defaultTtlMs', kind: 'scalar', bytes: 8, required: false },
    { name: 'keyBytesMax', kind: 'scalar', bytes: 4, required: false },
    { name: 'valueBytesMax', kind: 'scalar', bytes: 4, required: false },
  ],
};

/** Slots of the table `Keyspace`. */
export const KEYSPACE_SLOT = {
  keyspaceId: 0,
  name: 1,
  replication: 2,
  factor: 3,
  defaultTtlMs: 4,
  keyBytesMax: 5,
  valueBytesMax: 6,
} as const;

export const NODE_ADDRESS: TableShape = {
  name: 'NodeAddress',
  fields: [
    { name: 'nodeId', kind: 'scalar', bytes: 4, required: false },
    { name: 'address', kind: 'text', bytes: 1, required: true },
  ],
};

/** Slots of the table `NodeAddress`. */
export const NODE_ADDRESS_SLOT = {
  nodeId: 0,
  address: 1,
} as const;

export const RANGE_DESCRIPTOR: TableShape = {
  name: 'RangeDescriptor',
  fields: [
    { name: 'rangeId', kind: 'scalar', bytes: 4, required: false },
    { name: 'start', kind: 'vector', bytes: 1, required: true },
    { name: 'end', kind: 'vector', bytes: 1, required: true },
    { name: 'replicas', kind: 'vector', bytes: 4, required: true },
    { name: 'leaderHint', kind: 'scalar', bytes: 4, required: false },
    { name: 'generation', kind: 'scalar', bytes: 8, required: false },
  ],
};

/** Slots of the table `RangeDescriptor`. */
export const RANGE_DESCRIPTOR_SLOT = {
  rangeId: 0,
  start: 1,
  end: 2,
  replicas: 3,
  leaderHint: 4,
  generation: 5,
} as const;

export const RANGE_MAP: TableShape = {
  name: 'RangeMap',
  fields: [
    { name: 'generation', kind: 'scalar', bytes: 8, required: false },
    { name: 'nodes', kind: 'tables', bytes: 4, required: true, table: NODE_ADDRESS },
    { name: 'ranges', kind: 'tables', bytes: 4, required: true, table: RANGE_DESCRIPTOR },
    { name: 'keyspaces', kind: 'tables', bytes: 4, required: true, table: KEYSPACE },
  ],
};

/** Slots of the table `RangeMap`. */
export const RANGE_MAP_SLOT = {
  generation: 0,
  nodes: 1,
  ranges: 2,
  keyspaces: 3,
} as const;

export const RANGE_MAP_REQUEST: TableShape = {
  name: 'RangeMapRequest',
  fields: [
    { name: 'generation', kind: 'scalar', bytes: 8, required: false },
  ],
};

/** Slots of the table `RangeMapRequest`. */
export const RANGE_MAP_REQUEST_SLOT = {
  generation: 0,
} as const;

/** Byte positions in the struct `WatchEvent`, and its size. */
export const WATCH_EVENT = {
  bytes: 16,
  revision: 0,
  valueLength: 8,
  keyLength: 12,
  contentTypeLength: 14,
  kind: 15,
} as const;

export const WATCH_CREDIT: TableShape = {
  name: 'WatchCredit',
  fields: [
    { name: 'bytes', kind: 'scalar', bytes: 4, required: false },
  ],
};

/** Slots of the table `WatchCredit`. */
export const WATCH_CREDIT_SLOT = {
  bytes: 0,
} as const;

export const WATCH_END: TableShape = {
  name: 'WatchEnd',
  fields: [
    { name: 'status', kind: 'scalar', bytes: 2, required: false },
    { name: 'leaderHint', kind: 'scalar', bytes: 4, required: false },
    { name: 'retryAfterMs', kind: 'scalar', bytes: 4, required: false },
    { name: 'progress', kind: 'scalar', bytes: 8, required: false },
    { name: 'oldest', kind: 'scalar', bytes: 8, required: false },
    { name: 'detail', kind: 'text', bytes: 1, required: false },
  ],
};

/** Slots of the table `WatchEnd`. */
export const WATCH_END_SLOT = {
  status: 0,
  leaderHint: 1,
  retryAfterMs: 2,
  progress: 3,
  oldest: 4,
  detail: 5,
} as const;

export const WATCH_EVENTS: TableShape = {
  name: 'WatchEvents',
  fields: [
    { name: 'progress', kind: 'scalar', bytes: 8, required: false },
    { name: 'count', kind: 'scalar', bytes: 4, required: false },
    { name: 'watches', kind: 'vector', bytes: 4, required: true },
    { name: 'events', kind: 'vector', bytes: 1, required: true },
  ],
};

/** Slots of the table `WatchEvents`. */
export const WATCH_EVENTS_SLOT = {
  progress: 0,
  count: 1,
  watches: 2,
  events: 3,
} as const;

export const WATCH_START: TableShape = {
  name: 'WatchStart',
  fields: [
    { name: 'after', kind: 'scalar', bytes: 8, required: false },
    { name: 'rangeId', kind: 'scalar', bytes: 4, required: false },
    { name: 'keyspaceId', kind: 'scalar', bytes: 4, required: false },
    { name: 'credit', kind: 'scalar', bytes: 4, required: false },
    { name: 'start', kind: 'vector', bytes: 1, required: true },
    { name: 'end', kind: 'vector', bytes: 1, required: true },
    { name: 'progressMs', kind: 'scalar', bytes: 4, required: false },
  ],
};

/** Slots of the table `WatchStart`. */
export const WATCH_START_SLOT = {
  after: 0,
  rangeId: 1,
  keyspaceId: 2,
  credit: 3,
  start: 4,
  end: 5,
  progressMs: 6,
} as const;
