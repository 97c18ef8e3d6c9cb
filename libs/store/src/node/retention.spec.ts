import { keyspaceId } from '@holdfast/io';
import { beforeEach, describe, expect, it } from 'vitest';
import { REVISIONS_PER_MS, revisionOfWallMs } from '../hybrid-clock.ts';
import { Retention } from './retention.ts';

const DEFAULT_MS = 600_000;
const [brief, plain, long] = [keyspaceId(1), keyspaceId(2), keyspaceId(3)];

let wallMs = 0;
let stamped = 0;
let retention: Retention;
beforeEach(() => {
  wallMs = Date.UTC(2026, 5, 1);
  stamped = 0;
  retention = new Retention({ wallMs: () => wallMs }, { read: () => stamped as never }, DEFAULT_MS);
});

/** The revision of a moment, in milliseconds from now. */
const at = (ms: number): number => revisionOfWallMs(wallMs + ms);
const own = (keyspace: typeof long, retentionMs: number, since = 0) => ({ keyspace, retentionMs, since });

it('drops nothing before the keyspaces are known, and gives what every keyspace has', () => {
  expect(retention.dropHorizon()).toBe(0);
  expect(retention.readHorizon(plain)).toBe(at(-DEFAULT_MS));
});

it('drops by the keyspace that keeps versions longest, and reads by each', () => {
  retention.learn([own(brief, 1000), own(plain, 0), own(long, 10 * DEFAULT_MS)]);
  expect(retention.dropHorizon()).toBe(at(-10 * DEFAULT_MS));
  expect(retention.readHorizon(brief)).toBe(at(-1000));
  expect(retention.readHorizon(plain)).toBe(at(-DEFAULT_MS));
  expect(retention.readHorizon(long)).toBe(at(-10 * DEFAULT_MS));
});

it('never drops earlier than by itself: a keyspace with less only refuses to read', () => {
  retention.learn([own(brief, 1000)]);
  expect(retention.dropHorizon()).toBe(at(-DEFAULT_MS));
});

describe('a longer time', () => {
  it('brings nothing back that was dropped before it held', () => {
    retention.learn([own(long, 10 * DEFAULT_MS, at(-5))]);
    expect(retention.readHorizon(long)).toBe(at(-5));
  });

  it('ends with its keyspace', () => {
    retention.learn([own(long, 10 * DEFAULT_MS)]);
    retention.learn([]);
    expect(retention.dropHorizon()).toBe(at(-DEFAULT_MS));
    expect(retention.readHorizon(long)).toBe(at(-DEFAULT_MS));
  });
});

it('goes by what was stamped when the clock was set back', () => {
  retention.learn([]);
  stamped = at(0);
  wallMs -= 3_600_000;
  expect(retention.readHorizon(plain)).toBe(stamped - DEFAULT_MS * REVISIONS_PER_MS);
  expect(retention.dropHorizon()).toBe(stamped - DEFAULT_MS * REVISIONS_PER_MS);
});
