export type { AbortSignalLike } from './api/abort.ts';
export { Atomic, type AtomicResult, type Check } from './api/atomic.ts';
export { Batch } from './api/batch.ts';
export { BatchError, BatchWriteError } from './api/batch-error.ts';
export { Client, type ClientOptions, type TransportOptions } from './api/client.ts';
export { Cluster, type ClusterMember } from './api/cluster.ts';
export { bytes, type Codec, json, text } from './api/codec.ts';
export type { Key } from './api/key.ts';
export type { Counted, Item, Keyspace, StoredItem, SwapResult, Written } from './api/keyspace.ts';
export { KeyspacePurger, PURGE_LOOK_MS, type PurgerOptions } from './api/keyspace-purger.ts';
export { Keyspaces, type KeyspaceInfo, type KeyspaceSettings } from './api/keyspaces.ts';
export type {
  CallOptions,
  CompareOptions,
  ConsistencyName,
  DeleteOptions,
  DeleteRangeCallOptions,
  GetOptions,
  ReadOptions,
  ScanCallOptions,
  SetOptions,
  WatchCallOptions,
  WriteCallOptions,
} from './api/options.ts';
export type { Row } from './api/scan.ts';
export { parseTarget } from './api/target.ts';
export type { ClientObserver } from './observer.ts';
export type { VersionRange } from './link/hello.ts';
export type {
  Operation,
  OpResult,
  ReplicaRole,
  OpSink,
  RequestedCheck,
  RequestedStep,
  TransactionRequest,
} from './operation.ts';
export type { Ticket, Transport } from './transport.ts';
export type { Change, ChangeRecord, WatchHandle, WatchQuery, WatchSink } from './watch/watch-query.ts';
export type { WatchEvent } from './watch/watch-stream.ts';
export {
  ChangeKind,
  Condition,
  Consistency,
  type ErrorCode,
  ERRORS,
  HoldfastError,
  type MembershipChange,
  type OperationRecord,
  OpKind,
  type Outcome,
  type StepResult,
  type TransactionAnswer,
  ScanRowsReader,
} from '@holdfast/wire';
