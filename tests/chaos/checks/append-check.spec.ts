import { describe, expect, it } from 'vitest';
import { History } from '../../../libs/sim/src/checkers/history.ts';
import { type AppendCall, type AppendResult, appendProblems } from './append-check.ts';

type Log = History<AppendCall, AppendResult>;
const newLog = (): Log => new History(() => 0);
const append = (log: Log, mark: string, behind: number) =>
  log.invoke(1, 'k', { kind: 'append', mark, behind });
const appended = (log: Log, mark: string, behind: number): void =>
  log.ok(append(log, mark, behind), { kind: 'appended' });
const read = (log: Log, ...marks: readonly string[]): void =>
  log.ok(log.invoke(2, 'k', { kind: 'read' }), { kind: 'marks', marks });

describe('accepts', () => {
  it('appends and reads one after the other', () => {
    const log = newLog();
    read(log);
    appended(log, 'a', 0);
    read(log, 'a');
    appended(log, 'b', 1);
    expect(appendProblems(log.operations, ['a', 'b'])).toEqual([]);
  });

  it('an unknown append, whether it took effect or not', () => {
    const log = newLog();
    log.info(append(log, 'a', 0));
    expect(appendProblems(log.operations, [])).toEqual([]);
    expect(appendProblems(log.operations, ['a'])).toEqual([]);
  });

  it('a read that sees an append which is still under way', () => {
    const log = newLog();
    const open = append(log, 'a', 0);
    read(log, 'a');
    log.ok(open, { kind: 'appended' });
    expect(appendProblems(log.operations, ['a'])).toEqual([]);
  });

  it('two reads at the same time, of which the one that ends later saw less', () => {
    const log = newLog();
    appended(log, 'a', 0);
    const open = append(log, 'b', 1);
    const slow = log.invoke(2, 'k', { kind: 'read' });
    read(log, 'a', 'b');
    log.ok(slow, { kind: 'marks', marks: ['a'] });
    log.ok(open, { kind: 'appended' });
    expect(appendProblems(log.operations, ['a', 'b'])).toEqual([]);
  });
});

describe('finds', () => {
  const findings = (fill: (log: Log) => void, final: readonly string[]): string => {
    const log = newLog();
    fill(log);
    return appendProblems(log.operations, final).join('\n');
  };

  it('a lost append', () => {
    expect(findings((log) => appended(log, 'a', 0), [])).toContain('acknowledged mark a is lost');
  });

  it('a failed or refused append that is there', () => {
    expect(findings((log) => log.fail(append(log, 'a', 0)), ['a'])).toContain('failed for certain');
    expect(findings((log) => log.ok(append(log, 'a', 0), { kind: 'refused' }), ['a'])).toContain('refused');
  });

  it('an append that was applied twice', () => {
    expect(findings((log) => appended(log, 'a', 0), ['a', 'a'])).toContain('twice');
  });

  it('a mark from nowhere', () => {
    expect(findings(() => undefined, ['x'])).toContain('never written');
  });

  it('an append whose condition did not hold', () => {
    const both = (log: Log): void => {
      appended(log, 'a', 0);
      appended(log, 'b', 0);
    };
    expect(findings(both, ['a', 'b'])).toContain('its condition said 0');
  });

  it('a stale read', () => {
    const stale = (log: Log): void => {
      appended(log, 'a', 0);
      read(log);
    };
    expect(findings(stale, ['a'])).toContain('saw 0 marks when there had been 1');
  });

  it('a read of what was undone later', () => {
    const undone = (log: Log): void => {
      log.info(append(log, 'a', 0));
      read(log, 'a');
    };
    expect(findings(undone, [])).toContain('a read saw a');
  });

  it('a read from the future', () => {
    const future = (log: Log): void => {
      read(log, 'a');
      appended(log, 'a', 0);
    };
    expect(findings(future, ['a'])).toContain('before it was written');
  });
});
