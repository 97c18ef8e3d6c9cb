export {
  HybridClock,
  REVISION_EPOCH_MS,
  revisionOfWallMs,
  REVISIONS_PER_MS,
  wallMsOfRevision,
} from './hybrid-clock.ts';
export { bootstrapRanges, DEFAULT_KEYSPACE, DEFAULT_SPLITS, META_RANGE } from './node/bootstrap.ts';
export { decodeHardStates } from './log/hard-state-format.ts';
export { LogRecordType } from './log/log-records.ts';
export type { Member } from './membership/roster.ts';
export type { DataCall } from './node/data-call.ts';
export { ExpelledError, IdentityError } from './node/identity.ts';
export { Node } from './node/node.ts';
export type { NodeOptions } from './node/node-options.ts';
export type { NodeState, NodeStatus, RangeStatus } from './node/status.ts';
export type { NodeObserver } from './node/observer.ts';
export { STORE_BUGGIFY_POINTS, type StoreBuggifyPoint } from './node/buggify.ts';
export type { StoreCanary } from './node/canary.ts';
export { DEFAULT_SETTINGS, type NodeSettings, TICK_MS } from './node/settings.ts';
