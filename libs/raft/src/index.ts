export { RAFT_BUGGIFY_POINTS, type RaftBuggifyPoint } from './buggify.ts';
export { type RaftCanary } from './canary.ts';
export {
  type ConfChange,
  type ConfChangeStep,
  type ConfChangeTransition,
  decodeConfChange,
  encodeConfChange,
  LEAVE_JOINT,
} from './conf-change.ts';
export { type LeaseConfig, type RaftClock, type RaftConfig } from './config.ts';
export { changeConfiguration, type ConfigurationRefusal, confStateOf, isJoint } from './configuration.ts';
export {
  type ConfState,
  type Entry,
  EntryKind,
  type HardState,
  type Message,
  MessageKind,
  type SnapshotMeta,
} from './message.ts';
export { type ProgressState } from './progress.ts';
export { type ProposeRefusal, type ProposeResult, Raft } from './raft.ts';
export type { LogStorage, Ready, ReadState, Role, SnapshotNeed, SoftState } from './ready.ts';
export { type ConfChangeRefusal, type ConfChangeResult } from './reconfigure.ts';
export { type PeerStatus, type RaftStatus } from './status.ts';
export { type TransferRefusal, type TransferResult } from './transfer.ts';
