export {
  answerHello,
  checkHelloAck,
  encodeHello,
  encodeHelloAck,
  type HandshakeSelf,
  type Hello,
  type HelloAck,
  PeerRole,
  readHello,
  readHelloAck,
  refuseHello,
} from './handshake.ts';
export {
  encodeError,
  encodeGoAway,
  encodePing,
  encodePong,
  type GoAway,
  readError,
  readGoAway,
} from './control.ts';
export { AnswerFlag, Condition, Consistency, isWrite, OpFlag, OpKind } from './data-ops.ts';
export {
  DataRequestBuilder,
  type DataRequestHead,
  type DeleteRangeOptions,
  type ScanOptions,
  type WriteOptions,
} from './data-request-builder.ts';
export { DataRequestReader } from './data-request-reader.ts';
export { DataResponseBuilder, type RefusalOptions, type ScanAnswer } from './data-response-builder.ts';
export { DataResponseReader } from './data-response-reader.ts';
export {
  ERROR_CODES,
  type ErrorCode,
  errorCode,
  type ErrorInfo,
  errorInfo,
  errorNumber,
  ERRORS,
  type Outcome,
} from './errors.ts';
export {
  encodeFrame,
  FRAME_HEADER_BYTES,
  type Frame,
  type FrameHead,
  FrameType,
  type PayloadSource,
  TRACE_CONTEXT_BYTES,
} from './frame.ts';
export { FrameDecoder, type FrameDecoderOptions } from './frame-decoder.ts';
export {
  HoldfastError,
  type HoldfastErrorOptions,
  ProtocolError,
  type ProtocolViolation,
} from './holdfast-error.ts';
export * from './limits.ts';
export {
  beginChange,
  cancelChange,
  decodeMembership,
  encodeMembership,
  finishChange,
  isChanging,
  MEMBERSHIP_KEY,
  MEMBERSHIP_KEYSPACE,
  type Membership,
  type MembershipChange,
  type MemberRecord,
  wantedVoters,
} from './membership.ts';
export {
  decodeKeyspaceRecord,
  encodeKeyspaceRecord,
  isKeyspaceName,
  KEYSPACE_CHANGES_KEY,
  KEYSPACE_COUNTER_KEY,
  KEYSPACE_RECORDS,
  type KeyspaceRecord,
  keyspaceRecordKey,
  RETENTION_MS_MAX,
  SYSTEM_KEYSPACE_ID,
} from './keyspace-record.ts';
export { RaftBatchBuilder, raftMessageBytes, readRaftBatch } from './raft-batch.ts';
export {
  encodeRangeMap,
  encodeRangeMapRequest,
  type Keyspace,
  type NodeAddress,
  type RangeDescriptor,
  type RangeMap,
  rangeMapPayload,
  readRangeMap,
  readRangeMapRequest,
} from './range-map.ts';
export { ScanRowsBuilder, ScanRowsReader } from './scan-rows.ts';
export {
  encodeSnapshotAck,
  encodeSnapshotChunk,
  readSnapshotAck,
  readSnapshotChunk,
  type SnapshotAck,
  type SnapshotChunk,
} from './snapshot-transfer.ts';
export { encodeOperationRecord, type OperationRecord, readOperationRecord } from './operation-record.ts';
export {
  type CheckStep,
  encodeTransaction,
  encodeTransactionAnswer,
  readTransaction,
  readTransactionAnswer,
  type StepResult,
  type Transaction,
  type TransactionAnswer,
  type TransactionStep,
} from './transaction.ts';
export { commonVersion, PROTOCOL_VERSION_MAX, PROTOCOL_VERSION_MIN } from './version.ts';
export {
  encodeWatchCancel,
  encodeWatchCredit,
  encodeWatchEnd,
  encodeWatchStart,
  readWatchCredit,
  readWatchEnd,
  readWatchStart,
  type WatchEnd,
  type WatchStart,
} from './watch.ts';
export { ChangeKind, encodeChange, encodeWatchEvents, WatchEventsReader } from './watch-events.ts';
