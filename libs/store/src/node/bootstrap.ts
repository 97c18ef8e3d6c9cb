import { assert, compareBytes, type KeyspaceId, keyspaceId, rangeId, utf8 } from '@holdfast/io';
import { type KeyspaceRecord, type Membership, SYSTEM_KEYSPACE_ID } from '@holdfast/wire';
import type { Member } from '../membership/roster.ts';
import type { RangeDescriptor } from '../range/descriptor.ts';
import { DATA_KEYS_END, dataKey } from '../tree-keys.ts';

/** Holds what the cluster knows of itself; lives in the `meta` range. */
export const SYSTEM_KEYSPACE: KeyspaceId = keyspaceId(SYSTEM_KEYSPACE_ID);
export const DEFAULT_KEYSPACE: KeyspaceRecord = {
  id: 1,
  name: 'default',
  replication: 'raft',
  state: 'active',
  defaultTtlMs: 0,
  keyBytesMax: 0,
  valueBytesMax: 0,
  retentionMs: 0,
  retentionSince: 0,
};
export const META_RANGE = rangeId(1);

/** Where the ranges of the default keyspace begin, besides its start. Sorted, without duplicates. */
export const DEFAULT_SPLITS: readonly string[] = ['c', 'k', 's'];

/**
 * The ranges of a new cluster: `meta`, then the default keyspace cut at `splits`, then one for all keyspaces to come.
 * A pure function of its arguments: every node computes the same descriptors without talking to another.
 */
export function bootstrapRanges(
  members: readonly Member[],
  splits: readonly string[] = DEFAULT_SPLITS,
): readonly RangeDescriptor[] {
  assert(members.length > 0, 'a cluster has at least one node');
  const conf = {
    voters: members.map((member) => member.id).sort((a, b) => a - b),
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  };
  const nothing = new Uint8Array(0);
  const bounds = [
    dataKey(SYSTEM_KEYSPACE, nothing),
    dataKey(DEFAULT_KEYSPACE.id, nothing),
    ...splits.map((split) => dataKey(DEFAULT_KEYSPACE.id, utf8(split))),
    dataKey(DEFAULT_KEYSPACE.id + 1, nothing),
    DATA_KEYS_END,
  ];
  const descriptors: RangeDescriptor[] = [];
  for (let i = 0; i + 1 < bounds.length; i++) {
    const [start, end] = [bounds[i], bounds[i + 1]];
    assert(compareBytes(start, end) < 0, 'splits are sorted and distinct');
    descriptors.push({ id: rangeId(META_RANGE + i), start, end, generation: 1, conf, confRevision: 0 });
  }
  return descriptors;
}

/** Who belongs to a new cluster. Which disks speak for the nodes is not known before they have met. */
export function bootstrapMembership(
  members: readonly Member[],
  ranges: readonly RangeDescriptor[],
): Membership {
  return {
    nodes: members
      .map(({ id, address }) => ({ id, address, state: 'voter' as const, storage: 0 }))
      .sort((a, b) => a.id - b.id),
    removed: [],
    ranges: ranges.map(({ id }) => id),
  };
}
