import type { WatchEnd } from '@holdfast/wire';
import type { Interval } from './interval-index.ts';

/** Where the frames of a watch go: one connection. */
export interface WatchPort {
  readonly open: boolean;
  readonly version: number;
  /** Bytes that the other side has not taken yet. */
  readonly bytesQueued: number;
  reply(frame: Uint8Array): void;
}

/** What a watch asks for. Bounds are tree keys inside the range. */
export interface WatchQuery extends Interval {
  /** Changes above this revision; 0: from now on. */
  readonly after: number;
  /** Bytes of changes that may be sent. */
  readonly credit: number;
  readonly progressMs: number;
}

/** All that watch the same interval: a change is matched once for them, and encoded once for each connection. */
export interface Shape extends Interval {
  readonly name: string;
  readonly watchers: Set<Watcher>;
  /** Of this turn, in order. */
  readonly fresh: Uint8Array[];
  readonly freshRevisions: number[];
  /** The tree is being read for those of them that are behind. */
  reading: boolean;
}

/** One watch at its node. */
export interface Watcher {
  readonly port: WatchPort;
  /** Request id of its start: its name on the connection. */
  readonly id: number;
  readonly shape: Shape;
  readonly progressMs: number;
  /**
   * Nothing at or below is missing on the other side. While the watcher is live, only as it was told: it is then
   * complete up to the head of the feed.
   */
  position: number;
  /** It has everything up to the head; new changes go to it at once. */
  live: boolean;
  credit: number;
  /** When a progress revision was told last, monotonic milliseconds. */
  toldMs: number;
  /** Since when it takes nothing although there may be something; undefined while it takes what comes. */
  blockedMs: number | undefined;
}

/** Why a watch ends, as far as the feed knows. */
export type EndReason = Pick<WatchEnd, 'reason'> & Partial<WatchEnd>;
