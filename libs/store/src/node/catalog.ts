import { asError, type Kernels, keyspaceId, type NodeId, type RangeId, utf8 } from '@holdfast/io';
import type { Tree } from '@holdfast/lsm';
import {
  decodeKeyspaceRecord,
  encodeError,
  encodeKeyspaceRecord,
  encodeRangeMap,
  type Frame,
  HoldfastError,
  type Keyspace,
  KEYSPACE_CHANGES_KEY,
  KEYSPACE_RECORDS,
  type KeyspaceRecord,
  keyspaceRecordKey,
  rangeMapPayload,
  readRangeMapRequest,
} from '@holdfast/wire';
import type { Replica } from '../range/replica.ts';
import { encodeStoredValue, readStoredValue } from '../range/stored-value.ts';
import { dataKey } from '../tree-keys.ts';
import type { Member, Roster } from '../membership/roster.ts';
import { META_RANGE, SYSTEM_KEYSPACE } from './bootstrap.ts';
import { hasNext } from './cursor.ts';
import type { KeyspaceRetention, Retention } from './retention.ts';
import type { Session } from './session.ts';

const JSON_TYPE = utf8('application/json');

/** Where the record of a keyspace lives: in the system keyspace, so in the `meta` range. */
export function keyspaceKey(name: string): Uint8Array {
  return dataKey(SYSTEM_KEYSPACE, keyspaceRecordKey(name));
}

export function encodeKeyspace(keyspace: KeyspaceRecord): Uint8Array {
  return encodeStoredValue(JSON_TYPE, encodeKeyspaceRecord(keyspace), 0);
}

/** A map that was told, and what it depends on. */
interface ToldMap {
  readonly generation: number;
  readonly members: readonly Member[];
  /** Of the ranges, in the order of the map. */
  readonly leaders: readonly (NodeId | 0)[];
  readonly payload: Uint8Array;
}

/** What this node knows of the cluster's map, for clients: a hint that wrong-range and not-leader answers correct. */
export class Catalog {
  readonly #tree: Tree;
  readonly #replicas: ReadonlyMap<RangeId, Replica>;
  readonly #roster: Roster;
  readonly #retention: Pick<Retention, 'learn'>;
  #keyspaces: readonly Keyspace[] = [];
  /** Applied index of `meta` that `#keyspaces` was read at. */
  #keyspacesAt = -1;
  /** Revision of the last change of a record. */
  #keyspacesRevision = 0;
  /** Clients that look for a leader ask many times for a map that is still the same. */
  #lastMap: ToldMap | undefined;

  constructor(
    tree: Tree,
    replicas: ReadonlyMap<RangeId, Replica>,
    roster: Roster,
    retention: Pick<Retention, 'learn'>,
  ) {
    this.#tree = tree;
    this.#retention = retention;
    this.#replicas = replicas;
    this.#roster = roster;
  }

  /** Looks whether keyspaces have changed. */
  refresh(): void {
    if (this.#metaApplied === this.#keyspacesAt) return;
    // What cannot be read now is read with the next change of `meta`; until then old versions are kept.
    this.#readKeyspaces().catch(() => undefined);
  }

  /** Answers a range map request, at once or when `meta` has been read. */
  answer(kernels: Kernels, session: Session, frame: Frame): void {
    readRangeMapRequest(frame.payload);
    if (!this.#isWhole()) {
      const failure = new HoldfastError('HF_UNAVAILABLE', {
        detail: 'this node is still joining',
        retryAfterMs: 100,
      });
      session.reply(encodeError(kernels, session.version, frame.requestId, failure));
      return;
    }
    const send = (payload: Uint8Array): void =>
      session.reply(encodeRangeMap(kernels, session.version, frame.requestId, payload));
    this.#mapPayload().then(send, (error: unknown) => {
      const detail = asError(error).message;
      const failure = new HoldfastError('HF_CORRUPTION', { detail });
      session.reply(encodeError(kernels, session.version, frame.requestId, failure));
    });
  }

  /**
   * A node that joins has heard of some of the ranges, and would tell a map with holes. One that was taken out tells
   * clients where to go.
   */
  #isWhole(): boolean {
    const { membership } = this.#roster;
    return (
      membership !== undefined &&
      membership.ranges.every((range) => (this.#replicas.get(range)?.descriptor.generation ?? 0) > 0)
    );
  }

  async #mapPayload(): Promise<Uint8Array> {
    const keyspaces = await this.#readKeyspaces();
    const replicas = [...this.#replicas.values()];
    // Every part of the sum only grows: a changed range by one, a changed record by a step of the clock.
    const generation = replicas.reduce(
      (sum, replica) => sum + replica.descriptor.generation,
      this.#roster.revision + this.#keyspacesRevision,
    );
    const { members } = this.#roster;
    const last = this.#lastMap;
    const isSame =
      last?.generation === generation &&
      last.leaders.length === replicas.length &&
      replicas.every(({ leader }, i) => leader === last.leaders[i]) &&
      last.members.length === members.length &&
      members.every(({ id, address }, i) => id === last.members[i].id && address === last.members[i].address);
    if (isSame) return last.payload;
    const payload = rangeMapPayload({
      generation,
      nodes: members.map((member) => ({ nodeId: member.id, address: member.address })),
      ranges: replicas.map((replica) => ({
        rangeId: replica.id,
        start: rangeKey(replica.descriptor.start),
        end: rangeKey(replica.descriptor.end),
        replicas: replicasOf(replica),
        leaderHint: replica.leader,
        generation: replica.descriptor.generation,
      })),
      keyspaces,
    });
    this.#lastMap = { generation, members, leaders: replicas.map(({ leader }) => leader), payload };
    return payload;
  }

  get #metaApplied(): number {
    return this.#replicas.get(META_RANGE)?.applied.index ?? 0;
  }

  async #readKeyspaces(): Promise<readonly Keyspace[]> {
    const at = this.#metaApplied;
    if (at === this.#keyspacesAt) return this.#keyspaces;
    const keyspaces: Keyspace[] = [];
    const retentions: KeyspaceRetention[] = [];
    const changes = await this.#tree.get(dataKey(SYSTEM_KEYSPACE, KEYSPACE_CHANGES_KEY));
    const revision = changes?.revision ?? 0;
    const cursor = this.#tree.iterator({
      start: dataKey(SYSTEM_KEYSPACE, KEYSPACE_RECORDS.start),
      end: dataKey(SYSTEM_KEYSPACE, KEYSPACE_RECORDS.end),
    });
    try {
      while (await hasNext(cursor)) {
        const record = decodeKeyspaceRecord(readStoredValue(cursor.value).value);
        if (record === undefined || record.state !== 'active') continue;
        const { id, name, replication, defaultTtlMs, keyBytesMax, valueBytesMax } = record;
        const keyspace = { keyspaceId: keyspaceId(id), name, replication, factor: 0 };
        keyspaces.push({ ...keyspace, defaultTtlMs, keyBytesMax, valueBytesMax });
        const { retentionMs, retentionSince } = record;
        const since = retentionSince === 0 ? cursor.revision : retentionSince;
        retentions.push({ keyspace: keyspace.keyspaceId, retentionMs, since });
      }
    } finally {
      cursor.close();
    }
    this.#keyspacesRevision = revision;
    this.#keyspaces = keyspaces;
    this.#keyspacesAt = at;
    this.#retention.learn(retentions);
    return keyspaces;
  }
}

/** On the wire a bound is `keyspace id (u32 BE) | user key`: the tree's key without its family. */
function rangeKey(bound: Uint8Array): Uint8Array {
  return bound.subarray(1);
}

function replicasOf(replica: Replica): readonly NodeId[] {
  const { voters, votersOutgoing, learners } = replica.descriptor.conf;
  return [...new Set([...voters, ...votersOutgoing, ...learners])].sort((a, b) => a - b);
}
