import type { Clock, NodeId } from '@holdfast/io';
import type { Tree } from '@holdfast/lsm';
import type { Message, Ready } from '@holdfast/raft';
import { describe, expect, it } from 'vitest';
import type { NodeLog } from '../log/node-log.ts';
import type { Replica, TurnOutput } from '../range/replica.ts';
import type { DataExecutor } from './data-executor.ts';
import type { PeerLink } from './peer-link.ts';
import { TurnLoop } from './turn-loop.ts';

const PEER = 2 as NodeId;
const ANSWER = { to: PEER } as Message;
const NO_TREE = {} as Tree;
const NO_LIMITS = { logKeepBytes: 0, logBytesMax: 0, logDiskBytesKeep: 0, logDiskBytesMax: 0 };

/** A loop over one replica whose log syncs when the test says so. */
class World {
  nowMs = 0;
  /** Transfers of leadership that were begun. */
  offers = 0;
  /** Answers that have left for the peer. */
  answers = 0;
  #answersQueued = 0;
  readonly raft = {
    isLeader: true,
    commit: 7,
    stable: 5,
    owesCommit: false,
    hasReady: () => false,
    transferLeadership: () => {
      this.offers++;
      return { ok: true };
    },
  };
  readonly #deferred: (() => void)[] = [];
  readonly #syncs: ((error: Error | undefined) => void)[] = [];
  readonly #replica: Replica;
  readonly loop: TurnLoop;
  #write: 'synced' | 'unsynced' | undefined;

  constructor() {
    const replica = {
      raft: this.raft,
      proposals: { hasOpen: false },
      turn: (out: TurnOutput) => {
        if (this.#write !== undefined)
          out.persist(this.#replica, { mustSync: this.#write === 'synced' } as Ready);
        this.#write = undefined;
      },
      persisted: (_ready: Ready, out: TurnOutput) => out.send(ANSWER),
      apply: () => undefined,
    };
    this.#replica = replica as unknown as Replica;
    const clock = {
      monotonicMs: () => this.nowMs,
      defer: (run: () => void) => void this.#deferred.push(run),
    };
    const log = {
      diskBytes: 0,
      dropSegments: () => undefined,
      append: () => undefined,
      commit: (done: (error: Error | undefined) => void) => void this.#syncs.push(done),
    };
    const link = {
      send: () => void this.#answersQueued++,
      flush: () => {
        this.answers += this.#answersQueued;
        this.#answersQueued = 0;
      },
    };
    this.loop = new TurnLoop({
      clock: clock as unknown as Clock,
      log: log as unknown as NodeLog,
      links: new Map([[PEER, link as unknown as PeerLink]]),
      executor: { flush: () => undefined } as unknown as DataExecutor,
      observer: {},
      sendSnapshot: () => undefined,
      turned: () => undefined,
      fail: (error) => {
        throw error;
      },
    });
  }

  /** A turn in which the replica hands something to the log. */
  write(kind: 'synced' | 'unsynced' = 'synced'): void {
    this.#write = kind;
    this.loop.wake(this.#replica);
    this.turn();
  }

  /** Runs the turn that is due; false when none is. */
  turn(): boolean {
    const [run] = this.#deferred.splice(0);
    run?.();
    return run !== undefined;
  }

  sync(): void {
    this.#syncs.shift()!(undefined);
  }

  /** Time passes, tick by tick. */
  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 50) {
      this.nowMs += 50;
      this.loop.tick([], NO_TREE, NO_LIMITS);
    }
  }
}

describe('an answer that waits for the log', () => {
  it('leaves in the turn after the sync, and then there is peace', () => {
    const world = new World();
    world.write();
    expect(world.answers).toBe(0);
    expect(world.turn()).toBe(false);
    world.sync();
    expect(world.turn()).toBe(true);
    expect(world.answers).toBe(1);
    expect(world.turn()).toBe(false);
  });

  it('leaves in the same turn when nothing needs a sync', () => {
    const world = new World();
    world.write('unsynced');
    expect(world.answers).toBe(1);
    expect(world.turn()).toBe(false);
  });

  it('waits behind an older sync, and takes both answers along', () => {
    const world = new World();
    world.write();
    world.write('unsynced');
    expect(world.answers).toBe(0);
    world.sync();
    world.turn();
    expect(world.answers).toBe(2);
  });

  it('is followed by a turn for what it has made possible', () => {
    const world = new World();
    world.raft.hasReady = () => true;
    world.write('unsynced');
    world.raft.hasReady = () => false;
    expect(world.turn()).toBe(true);
    expect(world.turn()).toBe(false);
  });
});

describe('a slow disk', () => {
  it('moves leadership to those who commit without it, once for each sync', () => {
    const world = new World();
    world.pass(5_000);
    world.write();
    world.pass(450);
    expect(world.offers).toBe(0);
    world.pass(5_000);
    expect(world.offers).toBe(1);
    world.sync();
    world.write();
    world.pass(450);
    expect(world.offers).toBe(1);
    world.pass(50);
    expect(world.offers).toBe(2);
  });

  it('moves nothing while the others are no faster, or another leads', () => {
    const world = new World();
    world.raft.commit = 5;
    world.write();
    world.pass(2_000);
    expect(world.offers).toBe(0);
    const other = new World();
    other.raft.isLeader = false;
    other.write();
    other.pass(2_000);
    expect(other.offers).toBe(0);
  });

  it('is no matter of syncs that are many and quick', () => {
    const world = new World();
    for (let i = 0; i < 100; i++) {
      world.write();
      world.pass(50);
      world.sync();
    }
    expect(world.offers).toBe(0);
  });
});
