import { describe, expect, it } from 'vitest';
import { type ExpiryCall, expiryProblems, type ExpiryResult } from './expiry.ts';
import { History } from './history.ts';

type Log = History<ExpiryCall, ExpiryResult>;
const newLog = (): Log => new History(() => 0);
const write = (log: Log) => log.invoke(1, 'k', { kind: 'write', ttlMs: 100 });
const wrote = (log: Log): void => log.ok(write(log), { seen: true, deaths: 0 });
const begin = (log: Log, deaths = 0) => log.invoke(2, 'k', { kind: 'read', deaths });
const read = (log: Log, seen: boolean, deaths = 0): void => log.ok(begin(log, deaths), { seen, deaths });

describe('accepts', () => {
  it('a value that is there, and then is not', () => {
    const log = newLog();
    read(log, false);
    wrote(log);
    for (const seen of [true, true, false, false]) read(log, seen);
    expect(expiryProblems(log.operations)).toEqual([]);
  });

  it('a write of unknown outcome that comes late', () => {
    const log = newLog();
    log.info(write(log));
    for (const seen of [false, true, false]) read(log, seen);
    expect(expiryProblems(log.operations)).toEqual([]);
  });

  it('reads at the same time that differ', () => {
    const log = newLog();
    wrote(log);
    const [one, other] = [begin(log), begin(log)];
    log.ok(one, { seen: false, deaths: 0 });
    log.ok(other, { seen: true, deaths: 0 });
    expect(expiryProblems(log.operations)).toEqual([]);
  });

  it('a value that comes back behind a death', () => {
    const log = newLog();
    wrote(log);
    read(log, false, 0);
    read(log, true, 1);
    expect(expiryProblems(log.operations)).toEqual([]);
  });
});

describe('refuses', () => {
  it('a value that comes back', () => {
    const log = newLog();
    log.info(write(log));
    for (const seen of [true, false, true]) read(log, seen);
    expect(expiryProblems(log.operations)).toHaveLength(1);
  });

  it('a value that comes back after an acknowledged write that nobody had seen', () => {
    const log = newLog();
    wrote(log);
    for (const seen of [false, true]) read(log, seen);
    expect(expiryProblems(log.operations)).toHaveLength(1);
  });

  it('what nobody wrote, what failed, and what was written later', () => {
    for (const first of ['none', 'fail', 'later'] as const) {
      const log = newLog();
      if (first === 'fail') log.fail(write(log));
      read(log, true);
      if (first === 'later') wrote(log);
      expect(expiryProblems(log.operations).join(), first).toContain('not written');
    }
  });
});
