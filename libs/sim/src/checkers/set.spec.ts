import { describe, expect, it } from 'vitest';
import { History } from './history.ts';
import { type SetCall, setProblems, type SetResult } from './set.ts';

type Log = History<SetCall, SetResult>;
const newLog = (): Log => new History(() => 0);
const add = (log: Log, key: string) => log.invoke(1, 's', { kind: 'add', key });
const added = (log: Log, key: string): void => log.ok(add(log, key), { kind: 'added' });
const list = (log: Log, ...keys: readonly string[]): void =>
  log.ok(log.invoke(2, 's', { kind: 'list' }), { kind: 'keys', keys });

describe('accepts', () => {
  it('what was added, listed while it grows', () => {
    const log = newLog();
    list(log);
    added(log, 'a');
    list(log, 'a');
    added(log, 'b');
    expect(setProblems(log.operations, ['a', 'b'])).toEqual([]);
  });

  it('unknown additions, and those under way, seen or not', () => {
    const log = newLog();
    log.info(add(log, 'a'));
    add(log, 'b');
    list(log, 'b');
    expect(setProblems(log.operations, ['b'])).toEqual([]);
    expect(setProblems(log.operations, ['a', 'b'])).toEqual([]);
  });
});

describe('finds', () => {
  const findings = (fill: (log: Log) => void, final: readonly string[]): string => {
    const log = newLog();
    fill(log);
    return setProblems(log.operations, final).join('\n');
  };

  it('a lost key', () => expect(findings((log) => added(log, 'a'), [])).toContain('acknowledged a is lost'));

  it('a key whose addition failed', () =>
    expect(findings((log) => log.fail(add(log, 'a')), ['a'])).toContain('failed for certain'));

  it('a key from nowhere', () => expect(findings(() => undefined, ['x'])).toContain('x was never added'));

  it('a list without a key that was there', () => {
    const stale = (log: Log): void => {
      added(log, 'a');
      list(log);
    };
    expect(findings(stale, ['a'])).toContain('a list lacks a');
  });

  it('a key that was listed and is gone', () => {
    const gone = (log: Log): void => {
      log.info(add(log, 'a'));
      list(log, 'a');
    };
    expect(findings(gone, [])).toContain('in the end it is gone');
  });

  it('a list from the future', () => {
    const future = (log: Log): void => {
      list(log, 'a');
      added(log, 'a');
    };
    expect(findings(future, ['a'])).toContain('before it was added');
  });
});
