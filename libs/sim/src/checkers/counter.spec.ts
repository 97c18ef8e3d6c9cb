import { describe, expect, it } from 'vitest';
import { type CounterCall, counterProblems, type CounterResult } from './counter.ts';
import { History } from './history.ts';

type Log = History<CounterCall, CounterResult>;
const newLog = (): Log => new History(() => 0);
const add = (log: Log, amount: number) => log.invoke(1, 'c', { kind: 'add', amount });
const added = (log: Log, amount: number, value: number): void => log.ok(add(log, amount), { value });
const read = (log: Log, value: number): void => log.ok(log.invoke(2, 'c', { kind: 'read' }), { value });

describe('accepts', () => {
  it('a counter that counts', () => {
    const log = newLog();
    read(log, 0);
    added(log, 2, 2);
    added(log, 1, 3);
    read(log, 3);
    expect(counterProblems(log.operations, 3)).toEqual([]);
  });

  it('an addition of unknown outcome, which counted or not', () => {
    for (const final of [1, 6]) {
      const log = newLog();
      added(log, 1, 1);
      log.info(add(log, 5));
      expect(counterProblems(log.operations, final)).toEqual([]);
    }
  });

  it('a read that overlaps an addition, before or after it', () => {
    for (const seen of [0, 4]) {
      const log = newLog();
      const open = add(log, 4);
      read(log, seen);
      log.ok(open, { value: 4 });
      expect(counterProblems(log.operations, 4)).toEqual([]);
    }
  });
});

describe('refuses', () => {
  it('a lost addition', () => {
    const log = newLog();
    added(log, 1, 1);
    added(log, 1, 2);
    expect(counterProblems(log.operations, 1)).toEqual(['1 in the end, 2 were acknowledged']);
  });

  it('an addition that counted twice', () => {
    const log = newLog();
    log.info(add(log, 5));
    expect(counterProblems(log.operations, 10)).toEqual(['10 in the end, only 5 were sent']);
  });

  it('an addition that counts although it failed', () => {
    const log = newLog();
    log.fail(add(log, 5));
    expect(counterProblems(log.operations, 5)).toHaveLength(1);
  });

  it('a stale read', () => {
    const log = newLog();
    added(log, 1, 1);
    read(log, 0);
    expect(counterProblems(log.operations, 1)).not.toEqual([]);
  });

  it('two additions that made the same', () => {
    const log = newLog();
    const one = add(log, 1);
    const other = add(log, 1);
    log.ok(one, { value: 1 });
    log.ok(other, { value: 1 });
    expect(counterProblems(log.operations, 2).join()).toContain('two additions made 1');
  });

  it('a counter that goes back between two reads of an unknown addition', () => {
    const log = newLog();
    log.info(add(log, 1));
    read(log, 1);
    read(log, 0);
    expect(counterProblems(log.operations, 1).join()).toContain('shows 0 after 1');
  });
});
