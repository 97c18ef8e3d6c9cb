import { compareBytes, type KeyspaceId, type NodeId, Prng, rangeId, utf8 } from '@holdfast/io';
import {
  type DataRequestReader,
  type DataResponseBuilder,
  AnswerFlag,
  Condition,
  Consistency,
  isWrite,
  type Keyspace,
  OpKind,
  type RangeMap,
  ScanRowsBuilder,
} from '@holdfast/wire';
import { Client, type ClientOptions } from '../src/index.ts';
import { compareToBound, rangeKey } from '../src/routing/range-key.ts';
import { FakeNode } from './fake-node.ts';
import { MemoryNetwork } from './memory-network.ts';
import { VirtualClock } from './virtual-clock.ts';

export const USERS = 7 as KeyspaceId;

export interface FakeRange {
  id: number;
  start: Uint8Array;
  end: Uint8Array;
  leader: number;
  replicas: number[];
}

interface Stored {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly contentType: Uint8Array;
  readonly revision: number;
}

/**
 * Nodes that share one store behind their backs: whoever leads a range answers for it. Consensus is assumed, what a
 * client has to cope with is not.
 */
export class FakeCluster {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly clusterId = new Uint8Array(16).fill(9);
  readonly nodes = new Map<number, FakeNode>();
  readonly store = new Map<string, Stored>();
  /** Keys of every write in the order in which it was applied: what must not happen twice shows here. */
  readonly applied: string[] = [];
  readonly #replays = new Map<string, number>();
  ranges: FakeRange[];
  keyspaces: Keyspace[] = [
    {
      keyspaceId: USERS,
      name: 'users',
      replication: 'raft',
      factor: 0,
      defaultTtlMs: 0,
      keyBytesMax: 0,
      valueBytesMax: 0,
    },
  ];
  generation = 1;
  /** Whether a node that does not lead says who does. */
  hints = true;
  #revision = 100;

  /** @param splits first keys of the ranges behind the first, in keyspace `users`. */
  constructor(nodes: number, splits: readonly string[] = []) {
    const ids = Array.from({ length: nodes }, (_, i) => i + 1);
    for (const id of ids) this.nodes.set(id, new FakeNode(this, id as NodeId, `10.0.0.${id}:7000`));
    const bounds = [
      new Uint8Array(0),
      ...splits.map((split) => rangeKey(USERS, utf8(split))),
      new Uint8Array(0),
    ];
    this.ranges = bounds.slice(0, -1).map((start, i) => ({
      id: 10 + i,
      start,
      end: bounds[i + 1],
      leader: (i % nodes) + 1,
      replicas: ids,
    }));
  }

  static async start(nodes: number, splits: readonly string[] = []): Promise<FakeCluster> {
    const cluster = new FakeCluster(nodes, splits);
    for (const node of cluster.nodes.values()) await node.start();
    return cluster;
  }

  /** A node more, which the next map names. */
  async join(id: number): Promise<void> {
    const node = new FakeNode(this, id as NodeId, `10.0.0.${id}:7000`);
    this.nodes.set(id, node);
    this.generation++;
    await node.start();
  }

  node(id: number): FakeNode {
    return this.nodes.get(id)!;
  }

  client(options: Partial<ClientOptions> = {}): Client {
    return new Client({
      network: this.network,
      clock: this.clock,
      random: new Prng(42),
      seeds: [...this.nodes.values()].map((node) => node.address),
      ...options,
    });
  }

  async readyClient(options: Partial<ClientOptions> = {}): Promise<Client> {
    const client = this.client(options);
    await this.clock.settle(client.ready());
    // Connections that are opened in advance.
    await this.clock.run(5);
    return client;
  }

  kill(id: number): void {
    this.network.kill(this.node(id).address);
  }

  lead(range: number, node: number): void {
    this.ranges[range].leader = node;
  }

  mapFor(_node: NodeId, known: number): RangeMap {
    const { generation } = this;
    if (known === generation) return { generation, nodes: [], ranges: [], keyspaces: [] };
    return {
      generation,
      nodes: [...this.nodes.values()].map(({ nodeId, address }) => ({ nodeId, address })),
      ranges: this.ranges.map((range) => ({
        rangeId: rangeId(range.id),
        start: range.start,
        end: range.end,
        replicas: range.replicas as NodeId[],
        leaderHint: this.hints ? (range.leader as NodeId) : 0,
        generation: 1,
      })),
      keyspaces: this.keyspaces,
    };
  }

  /** Answers one operation as `node` would. */
  answer(node: NodeId, reader: DataRequestReader, i: number, out: DataResponseBuilder): void {
    const refusal = reader.refusal(i);
    if (refusal !== undefined) return out.refused(i, refusal);
    const range = this.ranges.find((candidate) => candidate.id === reader.rangeId(i));
    if (range === undefined || !inside(range, reader.keyspaceId(i), reader.key(i)))
      return out.refused(i, 'HF_WRONG_RANGE');
    const weak = !isWrite(reader.kind(i)) && reader.consistency !== Consistency.strong;
    if (range.leader !== node && !weak) {
      const hint = this.hints ? (range.leader as NodeId) : 0;
      return out.refused(i, 'HF_NOT_LEADER', { leaderHint: hint });
    }
    this.#execute(range, reader, i, out, weak ? reader.consistency : Consistency.strong);
  }

  #execute(
    range: FakeRange,
    reader: DataRequestReader,
    i: number,
    out: DataResponseBuilder,
    served: Consistency,
  ): void {
    const kind = reader.kind(i);
    const id = storeKey(reader.keyspaceId(i), reader.key(i));
    const found = this.store.get(id);
    if (kind === OpKind.get || kind === OpKind.getRevision) {
      if (found === undefined) out.absent(i, 0, served, served === Consistency.strong ? 0 : 5);
      else
        out.value(
          i,
          found.revision,
          found.value,
          found.contentType,
          served,
          served === Consistency.strong ? 0 : 5,
        );
    } else if (kind === OpKind.scan) {
      this.#scan(range, reader, i, out);
    } else {
      const once = hex(reader.idempotencyKey(i));
      const replay = once === '' ? undefined : this.#replays.get(once);
      if (replay !== undefined) return out.written(i, replay, AnswerFlag.replayed);
      const condition = reader.condition(i);
      const holds =
        condition === Condition.none ||
        (condition === Condition.absent && found === undefined) ||
        (condition === Condition.exists && found !== undefined) ||
        (condition === Condition.revisionEquals && found?.revision === reader.revision(i));
      if (!holds) return out.refused(i, 'HF_PRECONDITION_FAILED', { revision: found?.revision ?? 0 });
      const counter =
        kind === OpKind.increment ? Number(found === undefined ? 0 : text(found.value)) + reader.delta(i) : 0;
      if (kind === OpKind.increment && !Number.isSafeInteger(counter))
        return out.refused(i, 'HF_VALUE_NOT_INTEGER');
      const revision = ++this.#revision;
      this.applied.push(text(reader.key(i)));
      if (once !== '') this.#replays.set(once, revision);
      if (kind === OpKind.delete) this.store.delete(id);
      else {
        this.store.set(id, {
          key: reader.key(i).slice(),
          value: kind === OpKind.increment ? utf8(String(counter)) : reader.value(i).slice(),
          contentType: reader.contentType(i).slice(),
          revision,
        });
      }
      if (kind === OpKind.increment) out.incremented(i, revision, counter);
      else out.written(i, revision, found === undefined ? 0 : AnswerFlag.found);
    }
  }

  #scan(range: FakeRange, reader: DataRequestReader, i: number, out: DataResponseBuilder): void {
    const [start, end] = [reader.key(i), reader.endKey(i)];
    const keyspace = reader.keyspaceId(i);
    const prefix = `${keyspace}/`;
    const all = [...this.store]
      .filter(([id]) => id.startsWith(prefix))
      .map(([, stored]) => stored)
      .filter(
        ({ key }) =>
          compareBytes(key, start) >= 0 &&
          (end.length === 0 || compareBytes(key, end) < 0) &&
          inside(range, keyspace, key),
      )
      .sort((a, b) => compareBytes(a.key, b.key));
    if (reader.reverse(i)) all.reverse();
    const limit = reader.limit(i) === 0 ? 1000 : reader.limit(i);
    const rows = new ScanRowsBuilder();
    for (const stored of all.slice(0, limit)) {
      rows.add(
        stored.key,
        reader.keysOnly(i) ? new Uint8Array(0) : stored.value,
        stored.revision,
        stored.contentType,
      );
    }
    const next = all[limit]?.key;
    const resume =
      next === undefined ? new Uint8Array(0) : reader.reverse(i) ? Uint8Array.from([...next, 0]) : next;
    out.rows(i, rows, {
      served: Consistency.strong,
      stalenessMs: 0,
      revision: 0,
      flags: next === undefined ? 0 : AnswerFlag.more,
      resumeKey: resume,
    });
  }
}

function inside(range: FakeRange, keyspace: KeyspaceId, key: Uint8Array): boolean {
  return (
    compareToBound(keyspace, key, range.start) >= 0 &&
    (range.end.length === 0 || compareToBound(keyspace, key, range.end) < 0)
  );
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function storeKey(keyspace: KeyspaceId, key: Uint8Array): string {
  return `${keyspace}/${hex(key)}`;
}
