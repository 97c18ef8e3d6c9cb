import { nodeId } from '@holdfast/io';
import { describe, expect, test } from 'vitest';
import { MemoryStorage } from '../testing/memory-storage.ts';
import { entryOf } from '../testing/solo.ts';
import { confStateOf } from './configuration.ts';
import { RaftLog } from './log.ts';

const conf = confStateOf([nodeId(1)]);

function logOf(...terms: readonly number[]): RaftLog {
  const storage = new MemoryStorage(conf);
  storage.load(terms.map((term, i) => entryOf(term, i + 1)));
  return new RaftLog(storage, 0, 0);
}

function write(log: RaftLog) {
  log.takeUnhanded();
  const record = { durableTo: 0 };
  log.addWrite(record);
  return record;
}

const textsOf = (log: RaftLog, low: number, high: number, bytes = 1000) =>
  log.slice(low, high, bytes)?.map(({ term, index }) => `${term}/${index}`);

describe('RaftLog', () => {
  test('what is appended is there, durable or not', () => {
    const log = logOf(1, 1);
    log.append(entryOf(2, 3));
    expect([log.last, log.lastTerm, log.stable]).toEqual([3, 2, 2]);
    expect([0, 1, 2, 3, 4].map((index) => log.term(index))).toEqual([0, 1, 1, 2, undefined]);
    expect(textsOf(log, 1, 4)).toEqual(['1/1', '1/2', '2/3']);
    expect(textsOf(log, 3, 4)).toEqual(['2/3']);
  });

  test('a slice within a byte limit has at least one entry', () => {
    const log = logOf(1);
    for (let index = 2; index <= 5; index++) log.append(entryOf(1, index));
    expect(textsOf(log, 2, 6, 1)).toEqual(['1/2']);
    expect(textsOf(log, 2, 6, 2 * 19)).toEqual(['1/2', '1/3']);
    expect(log.sliceBytes).toBe(2 * 19);
    expect(log.slice(2, 6, 38)).toBe(log.slice(2, 6, 38));
  });

  test('each entry is handed to storage once; a write makes durable what it held', () => {
    const log = logOf(1);
    log.append(entryOf(1, 2));
    const first = write(log);
    log.append(entryOf(1, 3));
    const second = write(log);
    expect(log.takeUnhanded()).toEqual([]);
    expect(log.confirmWrite(first)).toBe(true);
    expect(log.stable).toBe(2);
    expect(log.confirmWrite(second)).toBe(true);
    expect(log.stable).toBe(3);
  });

  test('a write does not vouch for what a later one replaces, even by the same entry (ABA)', () => {
    const log = logOf(1);
    log.append(entryOf(1, 2));
    log.append(entryOf(1, 3));
    const a = write(log);
    log.truncate(3);
    log.append(entryOf(2, 3));
    const b = write(log);
    log.truncate(3);
    log.append(entryOf(1, 3));
    const again = write(log);
    log.confirmWrite(a);
    expect(log.stable).toBe(2);
    log.confirmWrite(b);
    expect(log.stable).toBe(2);
    expect(log.term(3)).toBe(1);
    log.confirmWrite(again);
    expect(log.stable).toBe(3);
  });

  test('a truncation below what is durable takes it back', () => {
    const log = logOf(1, 1, 1);
    log.truncate(2);
    expect([log.last, log.stable, log.handed]).toEqual([1, 1, 1]);
    log.append(entryOf(3, 2));
    expect(log.term(2)).toBe(3);
    expect(log.term(3)).toBe(undefined);
  });

  test('writes are confirmed in order', () => {
    const log = logOf();
    log.append(entryOf(1, 1));
    write(log);
    log.append(entryOf(1, 2));
    const second = write(log);
    expect(() => log.confirmWrite(second)).toThrow('in order');
  });

  test('asserts its invariants', () => {
    const log = logOf(1, 2);
    expect(() => log.append(entryOf(2, 4))).toThrow('no gaps');
    expect(() => log.append(entryOf(1, 3))).toThrow('terms never fall');
    expect(() => log.commitTo(3)).toThrow('commit <= last');
    log.commitTo(2);
    expect(() => log.truncate(2)).toThrow('never replaced');
    expect(() => log.appliedTo(1)).toThrow('handed out');
  });

  test('the place where logs could meet', () => {
    const log = logOf(1, 1, 1, 4, 4, 6);
    expect(log.lastIndexWithTermAtMost(6, 5)).toBe(5);
    expect(log.lastIndexWithTermAtMost(6, 3)).toBe(3);
    expect(log.lastIndexWithTermAtMost(99, 6)).toBe(6);
    expect(log.lastIndexWithTermAtMost(6, 0)).toBe(0);
  });

  test('a snapshot stands in for the log until it is installed', () => {
    const log = logOf(1, 1);
    log.append(entryOf(1, 3));
    const lost = write(log);
    const snapshot = { index: 9, term: 4, conf };
    log.restore(snapshot);
    expect([log.first, log.last, log.commit, log.applied]).toEqual([10, 9, 9, 0]);
    expect([log.term(9), log.term(8)]).toEqual([4, undefined]);
    log.append(entryOf(4, 10));
    log.confirmWrite(lost);
    expect(log.term(10)).toBe(4);
    log.snapshotInstalled(snapshot);
    expect(log.applied).toBe(9);
  });
});
