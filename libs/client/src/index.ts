export type { AbortSignalLike } from './api/abort.ts';
export { BatchWriteError } from './api/batch-write-error.ts';
export { Client, type ClientOptions } from './api/client.ts';
export { bytes, type Codec, json, text } from './api/codec.ts';
export type { Key } from './api/key.ts';
export type { Item, Keyspace, SwapResult, Written } from './api/keyspace.ts';
export type {
  CallOptions,
  CompareOptions,
  ConsistencyName,
  GetOptions,
  ReadOptions,
  ScanCallOptions,
  SetOptions,
  WriteCallOptions,
} from './api/options.ts';
export type { Row } from './api/scan.ts';
export { parseTarget } from './api/target.ts';
export type { ClientObserver } from './observer.ts';
export type { Operation, OpResult, OpSink } from './operation.ts';
export {
  Condition,
  Consistency,
  type ErrorCode,
  ERRORS,
  HoldfastError,
  OpKind,
  type Outcome,
  ScanRowsReader,
} from '@holdfast/wire';
