import {
  compareBytes,
  EMPTY_BYTES,
  Prng,
  pureKernels,
  randomChance,
  randomInteger,
  randomPick,
  utf8,
} from '@holdfast/io';
import { Tree, WriteBatch } from '@holdfast/lsm';
import { SimDisk } from '@holdfast/sim';
import {
  ChangeKind,
  type Frame,
  FrameDecoder,
  FrameType,
  readWatchEnd,
  type WatchEnd,
  WatchEventsReader,
} from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { REVISIONS_PER_MS } from '../hybrid-clock.ts';
import { encodeStoredValue } from '../range/stored-value.ts';
import { dataKey } from '../tree-keys.ts';
import { readPiece } from './catch-up.ts';
import { type FeedHost, type FeedLimits, RangeFeed } from './range-feed.ts';
import type { WatchPort } from './watcher.ts';

const LIMITS: FeedLimits = {
  ringBytesMax: 4096,
  frameBytesMax: 256,
  queueBytesMax: 100_000,
  visitsPerTurn: 8,
  deliveryMsPerConnection: 0,
  deliveryMsMax: 0,
  stallMsMax: 10_000,
};
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => dataKey(1, utf8(name)));

interface Written {
  readonly revision: number;
  readonly key: string;
  readonly value: string;
}

/** A connection that remembers what it was sent. */
class Port implements WatchPort {
  open = true;
  readonly version = 1;
  bytesQueued = 0;
  frames = 0;
  readonly events = new Map<number, Written[]>();
  readonly progress = new Map<number, number>();
  readonly ends = new Map<number, WatchEnd>();

  reply(bytes: Uint8Array): void {
    this.frames++;
    new FrameDecoder(pureKernels).push(bytes, (frame) => this.#frame(frame));
  }

  #frame({ type, requestId, payload }: Frame): void {
    if (type === FrameType.watchEnd) {
      this.ends.set(requestId, readWatchEnd(payload));
      return;
    }
    const reader = new WatchEventsReader(payload);
    for (const id of reader.watches) {
      const seen = this.events.get(id) ?? [];
      this.events.set(id, seen);
      reader.rewind();
      while (reader.next()) {
        expect(reader.revision).toBeLessThanOrEqual(reader.progress);
        const value = reader.kind === ChangeKind.put ? text(reader.value) : '';
        seen.push({ revision: reader.revision, key: text(reader.key), value });
      }
      expect(reader.progress).toBeGreaterThanOrEqual(this.progress.get(id) ?? 0);
      this.progress.set(id, reader.progress);
    }
  }
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A feed over a real tree, written by hand. */
class World {
  readonly tree: Tree;
  readonly feed: RangeFeed;
  readonly written: Written[] = [];
  nowMs = 0;
  horizon = 0;
  revision = 10;
  readonly #deferred: (() => void)[] = [];

  private constructor(tree: Tree, limits: FeedLimits) {
    this.tree = tree;
    const host: FeedHost = {
      kernels: pureKernels,
      limits,
      nowMs: () => this.nowMs,
      horizon: () => this.horizon,
      read: (interval, after, head) => {
        const world = { iterator: tree.iterator.bind(tree), turn: () => Promise.resolve() };
        return readPiece(world, interval, after(), head(), limits.frameBytesMax);
      },
      later: (_delayMs, task) => this.#deferred.push(task),
    };
    this.feed = new RangeFeed(host, this.revision);
  }

  static async open(limits: FeedLimits = LIMITS): Promise<World> {
    const disk = new SimDisk({ seed: 1 });
    return new World(await Tree.open({ disk, directory: 'tree' }), limits);
  }

  /** One transaction: all of it has one revision. Value undefined deletes. */
  write(changes: readonly (readonly [Uint8Array, string | undefined])[]): number {
    const revision = ++this.revision;
    const batch = new WriteBatch();
    for (const [key, value] of changes) {
      if (value === undefined) batch.delete(key, revision);
      else batch.put(key, revision, encodeStoredValue(EMPTY_BYTES, utf8(value), 0));
      const stored = value === undefined ? undefined : encodeStoredValue(EMPTY_BYTES, utf8(value), 0);
      this.feed.changed(value === undefined ? ChangeKind.delete : ChangeKind.put, key, revision, stored);
      this.written.push({ revision, key: text(key.subarray(5)), value: value ?? '' });
    }
    this.tree.apply(batch);
    return revision;
  }

  advance(revision = this.revision): void {
    this.feed.advanced(revision);
    for (const task of this.#deferred.splice(0)) task();
  }

  /** Lets reads of the tree and deferred work come to an end. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3000; i++) {
      for (const task of this.#deferred.splice(0)) task();
      await Promise.resolve();
    }
  }

  /** What a watch of `[start, end)` after `after` must have been told. */
  expected(start: Uint8Array, end: Uint8Array, after: number): readonly Written[] {
    return this.written.filter(({ revision, key }) => {
      const bytes = dataKey(1, utf8(key));
      return revision > after && compareBytes(bytes, start) >= 0 && compareBytes(bytes, end) < 0;
    });
  }
}

/** Changes of one transaction may come in any order of keys. */
function inOrder(events: readonly Written[]): readonly Written[] {
  return [...events].sort((a, b) => a.revision - b.revision || (a.key < b.key ? -1 : 1));
}

const ALL = { start: KEYS[0], end: dataKey(1, utf8('z')) };
const query = { ...ALL, after: 0, credit: 1_000_000, progressMs: 1000 };

describe('RangeFeed', () => {
  it('says at once where the watch stands, then tells changes in one frame for all that want the same', async () => {
    const world = await World.open();
    const port = new Port();
    for (const id of [1, 2, 3]) world.feed.start(port, id, query);
    expect(port.progress.get(2)).toBe(10);
    const before = port.frames;
    world.write([[KEYS[0], 'x']]);
    world.write([[KEYS[1], undefined]]);
    expect(port.frames).toBe(before);
    world.advance();
    expect(port.frames).toBe(before + 1);
    for (const id of [1, 2, 3]) expect(port.events.get(id)).toEqual(world.written);
    expect(port.progress.get(3)).toBe(12);
  });

  it('tells progress only when it is due', async () => {
    const world = await World.open();
    const port = new Port();
    world.feed.start(port, 1, { ...query, start: KEYS[3] });
    world.write([[KEYS[0], 'x']]);
    world.advance();
    world.feed.tick();
    expect(port.progress.get(1)).toBe(10);
    world.nowMs = 1000;
    world.feed.tick();
    expect(port.progress.get(1)).toBe(11);
    expect(port.events.get(1)).toEqual([]);
  });

  it('serves a watch that begins in the past from the tree, in pieces, then live', async () => {
    const world = await World.open();
    for (let i = 0; i < 200; i++) world.write([[KEYS[i % 6], `value ${i}`]]);
    world.advance();
    const port = new Port();
    world.feed.start(port, 1, { ...query, after: 20 });
    await world.settle();
    world.write([[KEYS[0], 'live']]);
    world.advance();
    expect(port.events.get(1)).toEqual(world.expected(ALL.start, ALL.end, 20));
    expect(port.progress.get(1)).toBe(world.revision);
  });

  it('ends a watch below the horizon as compacted, and tells where the next one may begin', async () => {
    const world = await World.open();
    for (let i = 0; i < 200; i++) world.write([[KEYS[0], `value ${i}`]]);
    world.advance();
    world.horizon = 50;
    const port = new Port();
    world.feed.start(port, 1, { ...query, after: 49 });
    world.feed.start(port, 2, { ...query, after: 50 });
    expect(port.ends.get(1)).toMatchObject({ reason: 'HF_COMPACTED', oldest: world.revision, progress: 49 });
    expect(port.progress.has(1)).toBe(false);
    await world.settle();
    expect(port.ends.get(2)).toBeUndefined();
    expect(port.events.get(2)).toEqual(world.expected(ALL.start, ALL.end, 50));
  });

  it('lets one whose changes are gone begin anew, although the horizon has moved on meanwhile', async () => {
    const world = await World.open();
    const port = new Port();
    const write = (revision: number): void => {
      world.revision = revision - 1;
      world.write([[KEYS[0], `at ${revision}`]]);
      world.advance();
    };
    const second = 1000 * REVISIONS_PER_MS;
    for (let at = 1; at <= 60; at++) write(at * second);
    world.horizon = 20 * second;
    world.feed.start(port, 1, { ...query, after: 5 * second });
    const { oldest } = port.ends.get(1)!;
    expect(oldest).toBe(30 * second);
    world.horizon = 29 * second;
    world.feed.start(port, 2, { ...query, after: oldest });
    await world.settle();
    expect(port.ends.get(2)).toBeUndefined();
    expect(port.events.get(2)).toHaveLength(30);
  });

  it('takes a start that is ahead of this replica, and repeats nothing', async () => {
    const world = await World.open();
    const port = new Port();
    world.feed.start(port, 1, { ...query, after: 12 });
    for (const value of ['11', '12', '13']) world.write([[KEYS[0], value]]);
    world.advance();
    expect(port.events.get(1)).toEqual([{ revision: 13, key: 'a', value: '13' }]);
  });

  it('ends a watcher that takes nothing, and it can go on where it was', async () => {
    const world = await World.open();
    const port = new Port();
    world.feed.start(port, 1, { ...query, credit: 1 });
    for (let i = 0; i < 3; i++) {
      world.write([[KEYS[0], `value ${i}`]]);
      world.advance();
    }
    expect(port.events.get(1)).toHaveLength(1);
    world.nowMs = LIMITS.stallMsMax;
    world.feed.tick();
    expect(port.ends.size).toBe(0);
    world.nowMs++;
    world.feed.tick();
    expect(port.ends.get(1)).toMatchObject({ reason: 'HF_WATCH_OVERRUN', progress: 11 });
    world.feed.start(port, 2, { ...query, after: 11 });
    await world.settle();
    expect(port.events.get(2)).toEqual(world.expected(ALL.start, ALL.end, 11));
  });

  it('holds back while the connection has enough queued', async () => {
    const world = await World.open();
    const port = new Port();
    world.feed.start(port, 1, query);
    port.bytesQueued = LIMITS.queueBytesMax + 1;
    world.write([[KEYS[0], 'x']]);
    world.advance();
    expect(port.events.get(1)).toEqual([]);
    port.bytesQueued = 0;
    world.feed.tick();
    expect(port.events.get(1)).toEqual(world.written);
  });

  it('never cuts a transaction, however small frames are', async () => {
    const world = await World.open();
    const port = new Port();
    world.feed.start(port, 1, query);
    const large = KEYS.map((key) => [key, 'v'.repeat(100)] as const);
    world.write(large);
    world.write(large);
    const before = port.frames;
    world.advance();
    expect(port.frames).toBe(before + 2);
    world.feed.start(port, 2, { ...query, after: 10 });
    await world.settle();
    expect(inOrder(port.events.get(2)!)).toEqual(inOrder(world.written));
  });
});

describe('watches in any history', () => {
  it.each(Array.from({ length: 40 }, (_, i) => i + 1))(
    'are complete, ordered and unique (seed %i)',
    async (seed) => {
      const random = new Prng(seed);
      const world = await World.open({ ...LIMITS, ringBytesMax: randomPick(random, [300, 1000, 4096]) });
      const ports = [new Port(), new Port()];
      /** What each watcher has seen over all its lives. */
      const watches = new Map<
        number,
        { port: Port; start: Uint8Array; end: Uint8Array; after: number; seen: Written[] }
      >();
      let nextId = 1;
      const begin = (
        port: Port,
        start: Uint8Array,
        end: Uint8Array,
        after: number,
        seen: Written[],
      ): void => {
        const id = nextId++;
        const from = after === 0 ? world.feed.head : after;
        watches.set(id, { port, start, end, after: seen.length > 0 || after > 0 ? after : from, seen });
        world.feed.start(port, id, {
          start,
          end,
          after,
          credit: randomInteger(random, 1, 400),
          progressMs: 100,
        });
      };
      const first = new Map<Written[], number>();
      for (let step = 0; step < 250; step++) {
        const action = randomInteger(random, 0, 9);
        const [id, watch] = randomPick(random, [...watches, [0, undefined] as const]);
        const watcher = watch === undefined ? undefined : world.feed.find(watch.port, id);
        if (action < 4) {
          const count = randomPick(random, [1, 1, 1, 3]);
          const at = randomInteger(random, 0, KEYS.length - count);
          world.write(
            KEYS.slice(at, at + count).map((key) => [key, randomChance(random, 0.2) ? undefined : `${step}`]),
          );
        } else if (action < 7) {
          world.advance();
        } else if (action === 7 && watches.size < 12) {
          const low = randomInteger(random, 0, KEYS.length - 1);
          const after = randomChance(random, 0.5) ? 0 : randomInteger(random, 10, world.feed.head);
          const seen: Written[] = [];
          first.set(seen, after === 0 ? world.feed.head : after);
          begin(
            randomPick(random, ports),
            KEYS[low],
            randomPick(random, [ALL.end, ...KEYS.slice(low + 1)]),
            after,
            seen,
          );
        } else if (action === 8 && watch !== undefined && watcher !== undefined) {
          if (randomChance(random, 0.7)) {
            world.feed.credit(watcher, randomInteger(random, 1, 300));
          } else {
            // The client goes away and comes back with what it has got.
            const { port, start, end, seen } = watch;
            world.feed.cancel(watcher);
            watches.delete(id);
            seen.push(...(port.events.get(id) ?? []));
            begin(randomPick(random, ports), start, end, port.progress.get(id)!, seen);
          }
        } else {
          world.nowMs += 60;
          world.feed.tick();
          if (randomChance(random, 0.5)) await world.settle();
        }
      }
      world.advance();
      for (let i = 0; i < 40; i++) {
        for (const [id, { port }] of watches) {
          const watcher = world.feed.find(port, id);
          if (watcher !== undefined) world.feed.credit(watcher, 10_000);
        }
        await world.settle();
      }
      world.nowMs += 1000;
      world.feed.tick();
      expect(watches.size).toBeGreaterThan(0);
      for (const [id, { port, start, end, seen }] of watches) {
        const events = [...seen, ...(port.events.get(id) ?? [])];
        expect(port.ends.get(id)).toBeUndefined();
        expect(port.progress.get(id)).toBe(world.revision);
        expect(inOrder(events)).toEqual(inOrder(world.expected(start, end, first.get(seen)!)));
        const revisions = events.map(({ revision }) => revision);
        expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
      }
    },
  );
});
