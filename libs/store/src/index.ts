export { HybridClock, REVISION_EPOCH_MS, revisionOfWallMs, REVISIONS_PER_MS, wallMsOfRevision } from './hybrid-clock.ts';
export { bootstrapRanges, DEFAULT_KEYSPACE, DEFAULT_SPLITS, type Member, META_RANGE } from './node/bootstrap.ts';
export type { DataCall } from './node/data-call.ts';
export { IdentityError } from './node/identity.ts';
export {
  DEFAULT_SETTINGS,
  Node,
  type NodeOptions,
  type NodeSettings,
  type NodeState,
  type NodeStatus,
  type RangeStatus,
  type StoreCanary,
  TICK_MS,
} from './node/node.ts';
export type { NodeObserver } from './node/observer.ts';
