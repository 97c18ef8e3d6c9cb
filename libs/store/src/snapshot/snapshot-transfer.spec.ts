import {
  neverBuggify,
  nodeId,
  Prng,
  pureKernels,
  randomChance,
  randomInteger,
  rangeId,
  utf8,
} from '@holdfast/io';
import { CorruptionError, Tree, WriteBatch } from '@holdfast/lsm';
import type { SnapshotMeta } from '@holdfast/raft';
import { SimDisk } from '@holdfast/sim';
import type { SnapshotAck, SnapshotChunk } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { encodeDescriptor, type RangeDescriptor } from '../range/descriptor.ts';
import type { Replica } from '../range/replica.ts';
import { StateMachine } from '../range/state-machine.ts';
import {
  appliedMarkOf,
  decodeAppliedMark,
  descriptorMarkOf,
  encodeAppliedMark,
} from '../range/applied-mark.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender } from './snapshot-sender.ts';

const RANGE = rangeId(2);
const [LEADER, FOLLOWER] = [nodeId(1), nodeId(2)];
const DESCRIPTOR: RangeDescriptor = {
  id: RANGE,
  start: utf8('b'),
  end: utf8('m'),
  generation: 3,
  conf: { voters: [LEADER, FOLLOWER], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
  confRevision: 0,
};
const MARK = { index: 40, term: 3, revision: 1000 };

async function treeWith(disk: SimDisk, rows: readonly [string, number, string | undefined][]): Promise<Tree> {
  const tree = await Tree.open({ disk, directory: '/node/tree', options: { tableBytes: 16 * 1024 } });
  const batch = new WriteBatch();
  for (const [key, revision, value] of rows) {
    if (value === undefined) batch.delete(utf8(key), revision);
    else batch.put(utf8(key), revision, utf8(value));
  }
  batch.mark(appliedMarkOf(RANGE), encodeAppliedMark(MARK));
  batch.mark(descriptorMarkOf(RANGE), encodeDescriptor(DESCRIPTOR));
  tree.apply(batch);
  return tree;
}

async function contents(tree: Tree): Promise<string[]> {
  const rows: string[] = [];
  const text = new TextDecoder();
  for await (const { key, value, revision } of tree.scan()) {
    rows.push(`${text.decode(key)}@${revision}=${text.decode(value)}`);
  }
  return rows;
}

/** Sender and receiver with a network between them that loses, repeats and delays. */
class Wire {
  readonly #random: Prng;
  readonly #loss: number;
  #queue: (() => void)[] = [];
  result: SnapshotMeta | 'pending' | 'failed' = 'pending';
  withoutRoom = 0;
  readonly sender: SnapshotSender;
  receiver: SnapshotReceiver;

  constructor(seed: number, loss: number, from: { disk: SimDisk; tree: Tree }, to: { disk: SimDisk }) {
    this.#random = new Prng(seed);
    this.#loss = loss;
    this.sender = new SnapshotSender(
      {
        disk: from.disk,
        kernels: pureKernels,
        buggify: neverBuggify,
        tree: from.tree,
        self: { nodeId: LEADER },
        sendChunk: (_to, chunk: SnapshotChunk) => {
          this.#send(() => this.receiver.chunk(chunk));
          return true;
        },
        snapshotSent: (_range, _to, meta) => (this.result = meta ?? 'failed'),
        noRoom: () => this.withoutRoom++,
      },
      '/node/snapshots',
      1,
    );
    this.receiver = this.newReceiver(to.disk);
  }

  newReceiver(disk: SimDisk): SnapshotReceiver {
    return new SnapshotReceiver(
      {
        disk,
        kernels: pureKernels,
        self: { nodeId: FOLLOWER },
        acknowledge: (_to, ack: SnapshotAck) => this.#send(() => this.sender.acknowledged(ack)),
        noRoom: () => this.withoutRoom++,
      },
      '/node/snapshots',
    );
  }

  async step(): Promise<void> {
    const queue = this.#queue;
    this.#queue = [];
    for (const deliver of queue) deliver();
    this.sender.tick();
    await new Promise((resolve) => setImmediate(resolve));
  }

  #send(deliver: () => void): void {
    if (randomChance(this.#random, this.#loss)) return;
    this.#queue.push(deliver);
    if (randomChance(this.#random, this.#loss)) this.#queue.push(deliver);
  }
}

function replicaOf(applied = MARK, descriptor = DESCRIPTOR): Replica {
  return { id: RANGE, descriptor, applied } as unknown as Replica;
}

/** One that has not yet heard of its last entry and the configuration in it, which the tree has. */
function replicaThatLags(): Replica {
  return replicaOf({ ...MARK, index: MARK.index - 1 }, { ...DESCRIPTOR, generation: 2 });
}

describe('snapshot transfer', () => {
  it('carries a range to another tree, exactly, over a bad network and a restart of the receiver', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = new Prng(seed);
      const source: [string, number, string | undefined][] = [];
      for (let i = 0; i < 400; i++) {
        const value = randomChance(random, 0.2) ? undefined : 'v'.repeat(randomInteger(random, 0, 3000));
        source.push([`${'abcdefghijklmnop'[i % 16]}-${randomInteger(random, 0, 60)}`, 10 + i, value]);
      }
      const from = new SimDisk({ seed });
      const to = new SimDisk({ seed: seed + 1000 });
      const fromTree = await treeWith(from, source);
      const toTree = await treeWith(to, [
        ['a-1', 5, 'outside, stays'],
        ['c-ghost', 7, 'was deleted long ago, and its tombstone is gone'],
        ['z-1', 6, 'outside, stays'],
      ]);
      const wire = new Wire(seed, 0.15, { disk: from, tree: fromTree }, { disk: to });
      wire.sender.request(replicaOf(), FOLLOWER);
      for (let i = 0; i < 4000 && wire.result === 'pending'; i++) {
        if (i === 8) wire.receiver = wire.newReceiver(to);
        await wire.step();
      }
      expect(wire.result, `seed ${seed}`).toEqual({ index: 40, term: 3, conf: DESCRIPTOR.conf });
      const staged = wire.receiver.take(RANGE, 40, 3);
      expect(staged).toBeDefined();
      await new StateMachine(toTree, RANGE).install(staged!);

      const inRange = (row: string): boolean => row >= 'b' && row < 'm';
      const expected = (await contents(fromTree)).filter(inRange);
      const found = await contents(toTree);
      expect(found.filter(inRange)).toEqual(expected);
      expect(found.filter((row) => !inRange(row))).toEqual(['a-1@5=outside, stays', 'z-1@6=outside, stays']);
      expect(decodeAppliedMark(toTree.durableMark(appliedMarkOf(RANGE))!)).toEqual(MARK);
      await fromTree.close();
      await toTree.close();
    }
  });

  it('tells how far back the sender can show what was there', async () => {
    const [from, to] = [new SimDisk({ seed: 1 }), new SimDisk({ seed: 2 })];
    const fromTree = await treeWith(from, [
      ['c', 3, 'old'],
      ['c', 7, 'new'],
    ]);
    const toTree = await treeWith(to, []);
    // What a leader has dropped that had not heard that old versions are to be kept longer.
    fromTree.setHorizon(8);
    await fromTree.flush();
    const wire = new Wire(1, 0, { disk: from, tree: fromTree }, { disk: to });
    wire.sender.request(replicaOf(), FOLLOWER);
    for (let i = 0; i < 400 && wire.result === 'pending'; i++) await wire.step();
    await new StateMachine(toTree, RANGE).install(wire.receiver.take(RANGE, 40, 3)!);
    expect(await toTree.get(utf8('c'), 5)).toBeUndefined();
    expect(toTree.horizon).toBe(8);
    await fromTree.close();
    await toTree.close();
  });

  it('is named after what the tree holds, not after what the replica has heard of it', async () => {
    const [from, to] = [new SimDisk({ seed: 1 }), new SimDisk({ seed: 2 })];
    const tree = await treeWith(from, [['c', 3, 'of entry 40']]);
    const wire = new Wire(1, 0, { disk: from, tree }, { disk: to });
    wire.sender.request(replicaThatLags(), FOLLOWER);
    for (let i = 0; i < 400 && wire.result === 'pending'; i++) await wire.step();
    expect(wire.result).toMatchObject({ index: MARK.index });
    const staged = wire.receiver.take(RANGE, MARK.index, MARK.term);
    expect(staged?.head).toMatchObject({ mark: MARK, descriptor: { generation: 3 } });
    await tree.close();
  });

  it('begins anew only when all of an export that failed has ended', async () => {
    // Each operation takes a turn, so that one export is at work when the other has failed.
    const timer = { schedule: (_: number, task: () => void) => void setImmediate(task) };
    const disk = new SimDisk({ seed: 1, timer, delayMs: () => 1 });
    const rows = Array.from(
      { length: 400 },
      (_, i) => [`c${i}`, 1, 'x'.repeat(500)] as [string, number, string],
    );
    const tree = await treeWith(disk, rows);
    let failures = 1;
    const damaged = {
      mark: (group: number) => tree.mark(group),
      exportRange: async (directory: string, start?: Uint8Array, end?: Uint8Array) => {
        if (directory.endsWith('-local') && failures-- > 0)
          throw new CorruptionError('table', 'x.sst', 0, 'bad');
        return tree.exportRange(directory, start, end);
      },
    } as unknown as Tree;
    const to = new SimDisk({ seed: 2 });
    const wire = new Wire(1, 0, { disk, tree: damaged }, { disk: to });
    wire.sender.request(replicaOf(), FOLLOWER);
    for (let i = 0; i < 400 && wire.result === 'pending'; i++) await wire.step();
    expect(wire.result).toBe('failed');
    wire.result = 'pending';
    wire.sender.request(replicaOf(), FOLLOWER);
    for (let i = 0; i < 400 && wire.result === 'pending'; i++) await wire.step();
    expect(wire.result).toMatchObject({ index: MARK.index });
    const toTree = await treeWith(to, []);
    await new StateMachine(toTree, RANGE).install(wire.receiver.take(RANGE, 40, 3)!);
    expect(await contents(toTree)).toEqual(await contents(tree));
    await tree.close();
    await toTree.close();
  });

  it('that meets a full disk leaves nothing behind, waits, and comes when there is room', async () => {
    const [from, to] = [new SimDisk({ seed: 1 }), new SimDisk({ seed: 2 })];
    const rows = Array.from({ length: 40 }, (_, i) => [`c${i}`, 1, 'x'.repeat(500)] as const);
    const tree = await treeWith(from, [...rows] as [string, number, string][]);
    const wire = new Wire(1, 0, { disk: from, tree }, { disk: to });
    const scratch = (disk: SimDisk): number => disk.files('/node/snapshots').length;
    const transfer = async (): Promise<void> => {
      wire.result = 'pending';
      wire.sender.request(replicaOf(), FOLLOWER);
      for (let i = 0; i < 50 && wire.result === 'pending'; i++) await wire.step();
      await wire.step();
    };
    to.faults.capacityBytes = 1_000;
    await transfer();
    expect([wire.result, wire.withoutRoom, scratch(from), scratch(to)]).toEqual(['failed', 1, 0, 0]);
    to.faults.capacityBytes = Number.MAX_SAFE_INTEGER;
    // Nothing is exported for it yet.
    const { mutations } = from;
    await transfer();
    expect([wire.result, from.mutations]).toEqual(['failed', mutations]);
    for (let i = 0; i < 100; i++) await wire.step();
    await transfer();
    expect(wire.result).toMatchObject({ index: MARK.index });
    expect(scratch(from)).toBe(0);
    expect(scratch(to)).toBeGreaterThan(0);
    // Nobody asks for it: it is removed in the end.
    for (let i = 0; i < 400; i++) {
      wire.receiver.tick();
      await wire.step();
    }
    expect([wire.receiver.take(RANGE, MARK.index, MARK.term), scratch(to)]).toEqual([undefined, 0]);
    await tree.close();
  });

  it('gives up on a peer that never answers, and says so', async () => {
    const disk = new SimDisk({ seed: 1 });
    const tree = await treeWith(disk, [['c', 1, 'x']]);
    const wire = new Wire(1, 1, { disk, tree }, { disk: new SimDisk({ seed: 2 }) });
    wire.sender.request(replicaOf(), FOLLOWER);
    for (let i = 0; i < 400 && wire.result === 'pending'; i++) await wire.step();
    expect(wire.result).toBe('failed');
    await tree.close();
  });

  it('refuses chunks whose bytes changed on the way', async () => {
    const disk = new SimDisk({ seed: 1 });
    const acks: SnapshotAck[] = [];
    const receiver = new SnapshotReceiver(
      {
        disk,
        kernels: pureKernels,
        self: { nodeId: FOLLOWER },
        acknowledge: (_to, ack) => acks.push(ack),
        noRoom: () => undefined,
      },
      '/node/snapshots',
    );
    receiver.chunk({
      group: RANGE,
      from: LEADER,
      to: FOLLOWER,
      snapshotId: 1,
      term: 1,
      index: 1,
      offset: 0,
      total: 3,
      crc: 12345,
      done: true,
      data: utf8('abc'),
    });
    await expect.poll(() => acks.length).toBe(1);
    expect(acks).toMatchObject([{ refusal: 'HF_CORRUPTION' }]);
    expect(receiver.take(RANGE, 1, 1)).toBeUndefined();
  });
});
