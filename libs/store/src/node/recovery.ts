import { assert, type Buggify, type NodeId, type Random, type RangeId } from '@holdfast/io';
import { CorruptionError, type Tree, WriteBatch } from '@holdfast/lsm';
import { confStateOf, type HardState, Raft } from '@holdfast/raft';
import type { HybridClock } from '../hybrid-clock.ts';
import { GroupLog } from '../log/group-log.ts';
import type { NodeLog } from '../log/node-log.ts';
import { RecoveredGroup } from '../log/recovered-group.ts';
import {
  type AppliedMark,
  appliedMarkOf,
  decodeAppliedMark,
  descriptorMarkOf,
  encodeAppliedMark,
  rangeOfDescriptorMark,
} from '../range/applied-mark.ts';
import { CommandReader } from '../range/command.ts';
import type { CommandBuilders } from '../range/command-builders.ts';
import { decodeDescriptor, encodeDescriptor, type RangeDescriptor } from '../range/descriptor.ts';
import { Replica } from '../range/replica.ts';
import { StateMachine } from '../range/state-machine.ts';
import { membershipTreeKey, type Member, storedMembership } from '../membership/roster.ts';
import { bootstrapMembership, bootstrapRanges, DEFAULT_KEYSPACE, META_RANGE } from './bootstrap.ts';
import type { StoreBuggifyPoint } from './buggify.ts';
import { canaryOf, type StoreCanary } from './canary.ts';
import { encodeKeyspace, keyspaceKey } from './catalog.ts';
import type { NodeObserver } from './observer.ts';

/** The state of a range before its first entry: every replica starts with the same. */
const INITIAL_MARK: AppliedMark = { index: 0, term: 0, revision: 1 };
const INITIAL_REVISION = 1;

/** What every replica of a node is made with. */
export interface ReplicaParts {
  readonly tree: Tree;
  readonly nodeId: NodeId;
  readonly settings: {
    readonly electionTicks: number;
    readonly heartbeatTicks: number;
    readonly splits?: readonly string[];
    readonly buggify: Buggify<StoreBuggifyPoint>;
    readonly canary?: StoreCanary;
  };
  readonly random: Random;
  readonly hybridClock: HybridClock;
  readonly observer: NodeObserver;
  readonly builders: CommandBuilders;
}

/**
 * Builds the replicas from what tree and log hold; in a new directory, writes the initial state first.
 *
 * @param founders the nodes of a new cluster; undefined for a node that joins one and gets its ranges from the others
 * @throws CorruptionError when the log holds entries of a range that the tree does not know: the tree was lost.
 */
export async function openReplicas(
  parts: ReplicaParts,
  groups: ReadonlyMap<RangeId, RecoveredGroup>,
  founders: readonly Member[] | undefined,
): Promise<Map<RangeId, Replica>> {
  const { tree } = parts;
  let descriptors = readDescriptors(tree);
  if (descriptors.length === 0 && groups.size === 0 && founders !== undefined) {
    descriptors = bootstrapRanges(founders, parts.settings.splits);
    await writeInitialState(tree, founders, descriptors);
  }
  const replicas = new Map<RangeId, Replica>();
  for (const descriptor of descriptors) {
    const group = groups.get(descriptor.id) ?? new RecoveredGroup();
    replicas.set(descriptor.id, openReplica(parts, descriptor, group));
  }
  for (const [range, group] of groups) {
    if (replicas.has(range)) continue;
    // A replica that was still waiting for its first snapshot has votes in the log, and nothing else.
    if (group.lastIndex > 0) {
      const detail = `the log holds entries of range ${range} but the tree does not know it`;
      throw new CorruptionError('manifest', 'tree', 0, detail);
    }
    replicas.set(range, openBlankReplica(parts, range, group));
  }
  return replicas;
}

/**
 * Tells the node log where the logs of its groups begin now. A tree that was ahead has moved some of them forward: the
 * next entries of such a group would stand behind a gap, and without a base the recovery after this one refuses them.
 */
export function keepBases(log: NodeLog, replicas: ReadonlyMap<RangeId, Replica>): void {
  for (const [range, replica] of replicas) {
    const base = replica.log.firstIndex() - 1;
    const term = replica.log.term(base);
    assert(term !== undefined, 'the log of a group knows the term in front of it');
    log.compacted(range, base, term);
  }
}

/** A replica without state or configuration: it takes a snapshot from whoever leads the range, and nothing else. */
export function openBlankReplica(
  parts: ReplicaParts,
  range: RangeId,
  group: RecoveredGroup = new RecoveredGroup(),
): Replica {
  const nowhere = new Uint8Array(0);
  const bounds = { start: nowhere, end: nowhere };
  const descriptor = { id: range, ...bounds, generation: 0, conf: confStateOf([]), confRevision: 0 };
  return makeReplica(parts, descriptor, group, INITIAL_MARK);
}

/** Descriptors are marks: as durable as the data that they describe, and in the same moment. */
function readDescriptors(tree: Tree): readonly RangeDescriptor[] {
  const descriptors: RangeDescriptor[] = [];
  for (const mark of tree.markedGroups()) {
    if (rangeOfDescriptorMark(mark) === undefined) continue;
    const descriptor = decodeDescriptor(tree.mark(mark)!);
    assert(descriptor !== undefined, 'a stored descriptor is readable');
    descriptors.push(descriptor);
  }
  return descriptors;
}

/**
 * Flushed before anything is served: afterwards a directory without descriptors is one that never got this
 * far, or one whose tree is lost, and the log tells the two apart.
 */
async function writeInitialState(
  tree: Tree,
  founders: readonly Member[],
  ranges: readonly RangeDescriptor[],
): Promise<void> {
  const batch = new WriteBatch();
  for (const descriptor of ranges) {
    batch.mark(descriptorMarkOf(descriptor.id), encodeDescriptor(descriptor));
    if (descriptor.id === META_RANGE) {
      batch.put(keyspaceKey(DEFAULT_KEYSPACE.name), INITIAL_REVISION, encodeKeyspace(DEFAULT_KEYSPACE));
      const membership = storedMembership(bootstrapMembership(founders, ranges));
      batch.put(membershipTreeKey(), INITIAL_REVISION, membership);
    }
    batch.mark(appliedMarkOf(descriptor.id), encodeAppliedMark(INITIAL_MARK));
  }
  tree.apply(batch);
  await tree.flush();
}

function openReplica(parts: ReplicaParts, descriptor: RangeDescriptor, group: RecoveredGroup): Replica {
  const { tree, hybridClock } = parts;
  const markBytes = tree.mark(appliedMarkOf(descriptor.id));
  assert(markBytes !== undefined, 'a range that the tree knows has a mark');
  const applied = decodeAppliedMark(markBytes);
  if (group.baseIndex > applied.index) {
    const detail = `range ${descriptor.id} is applied up to ${applied.index}, its log begins behind ${group.baseIndex}`;
    throw new CorruptionError('manifest', 'tree', 0, `the tree is older than the log allows: ${detail}`);
  }
  hybridClock.observe(applied.revision);
  alignWithTree(group, applied);
  return makeReplica(parts, descriptor, group, applied);
}

function makeReplica(
  parts: ReplicaParts,
  descriptor: RangeDescriptor,
  group: RecoveredGroup,
  applied: AppliedMark,
): Replica {
  const { tree, hybridClock, observer } = parts;
  for (const entry of group.entries) {
    if (entry.kind === 0 && entry.data.length > 0)
      hybridClock.observe(new CommandReader(entry.data).lastRevision);
  }
  const log = new GroupLog({
    hardState: group.hardState,
    conf: descriptor.conf,
    baseIndex: group.baseIndex,
    baseTerm: group.baseTerm,
    entries: group.entries,
  });
  const raft = new Raft(
    {
      id: parts.nodeId,
      group: descriptor.id,
      electionTicks: parts.settings.electionTicks,
      heartbeatTicks: parts.settings.heartbeatTicks,
      applied: applied.index,
      // Changes of the map are rare, and whoever asks any node for it next should see them.
      commitNotice: descriptor.id === META_RANGE ? 'at-once' : 'deferred',
      clock: hybridClock,
      buggify: parts.settings.buggify,
      ...canaryOf(parts.settings.canary).raft,
    },
    log,
    parts.random,
  );
  observer.recovered?.(descriptor.id, {
    hardState: group.hardState,
    applied: applied.index,
    last: log.lastIndex(),
    lastTerm: log.term(log.lastIndex()) ?? 0,
  });
  const { buggify, canary } = parts.settings;
  const { replica: planted } = canaryOf(canary);
  return new Replica({
    raft,
    log,
    stateMachine: new StateMachine(tree, descriptor.id, {
      ...planted,
      ...(observer.wrote !== undefined && { wrote: observer.wrote.bind(observer, descriptor.id) }),
    }),
    buggify,
    descriptor,
    applied,
    clock: hybridClock,
    observer,
    builders: parts.builders,
    ...planted,
  });
}

/**
 * The tree may be ahead of the log: an entry that a quorum had was applied and flushed here before this node's
 * own copy of it was synced. The log then ends before it, or still holds what another leader had there. What
 * the tree holds is committed; the log starts behind it.
 *
 * Only what is applied counts as committed. The commit index that was stored speaks of entries that were handed out
 * with it, and these may have been lost in the crash: it would then vouch for what an earlier leader had there.
 */
export function alignWithTree(group: RecoveredGroup, applied: AppliedMark): void {
  if (group.termAt(applied.index) !== applied.term) group.rebase(applied.index, applied.term);
  const { term, vote } = group.hardState;
  const lastTerm = group.entries.at(-1)?.term ?? group.baseTerm;
  const knownTerm = Math.max(term, lastTerm, applied.term);
  const aligned: HardState = {
    term: knownTerm,
    vote: knownTerm === term ? vote : 0,
    commit: applied.index,
  };
  group.hardState = aligned;
}
