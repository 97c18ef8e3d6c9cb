import { describe, expect, it } from 'vitest';
import { History } from './history.ts';
import { type SessionCall, sessionProblems, type SessionResult } from './session.ts';

type Log = History<SessionCall, SessionResult>;
const newLog = (): Log => new History(() => 0);
const write = (log: Log, number: number) => log.invoke(1, 'k', { kind: 'write', number });
const wrote = (log: Log, number: number, revision: number): void =>
  log.ok(write(log, number), { number, revision });
const read = (log: Log, process: number, number: number, revision: number): void =>
  log.ok(log.invoke(process, 'k', { kind: 'read' }), { number, revision });

describe('accepts', () => {
  it('an old state for another session, as long as it never goes back', () => {
    const log = newLog();
    wrote(log, 1, 10);
    wrote(log, 2, 20);
    read(log, 2, 0, 0);
    read(log, 2, 1, 10);
    read(log, 1, 2, 20);
    read(log, 2, 2, 20);
    expect(sessionProblems(log.operations)).toEqual([]);
  });

  it('a write of unknown outcome that is seen', () => {
    const log = newLog();
    log.info(write(log, 1));
    read(log, 2, 1, 10);
    expect(sessionProblems(log.operations)).toEqual([]);
  });
});

describe('accepts', () => {
  it('a write of unknown outcome that takes effect behind the one that followed it', () => {
    const log = newLog();
    log.info(write(log, 1));
    wrote(log, 2, 20);
    read(log, 2, 2, 20);
    read(log, 2, 1, 30);
    expect(sessionProblems(log.operations)).toEqual([]);
  });
});

describe('refuses', () => {
  it('a session that does not read its own write', () => {
    const log = newLog();
    wrote(log, 1, 10);
    read(log, 1, 0, 0);
    expect(sessionProblems(log.operations).join()).toContain('went back');
  });

  it('a session that goes back', () => {
    const log = newLog();
    wrote(log, 1, 10);
    wrote(log, 2, 20);
    read(log, 2, 2, 20);
    read(log, 2, 1, 10);
    expect(sessionProblems(log.operations).join()).toContain('went back');
  });

  it('what nobody wrote, and what failed', () => {
    const log = newLog();
    read(log, 2, 7, 10);
    log.fail(write(log, 1));
    read(log, 2, 1, 10);
    const problems = sessionProblems(log.operations).join();
    expect(problems).toContain('nobody wrote');
    expect(problems).toContain('a write that failed');
  });

  it('one write with two revisions', () => {
    const log = newLog();
    wrote(log, 1, 10);
    read(log, 2, 1, 11);
    expect(sessionProblems(log.operations).join()).toContain('has revision 10 too');
  });

  it('two writes with one revision', () => {
    const log = newLog();
    wrote(log, 1, 10);
    read(log, 2, 1, 10);
    wrote(log, 2, 10);
    expect(sessionProblems(log.operations).join()).toContain('k#1 has this revision too');
  });

  it('revisions that go back', () => {
    const log = newLog();
    wrote(log, 1, 10);
    wrote(log, 2, 9);
    expect(sessionProblems(log.operations).join()).toContain('older than what was seen');
  });
});
