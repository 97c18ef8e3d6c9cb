import { describe, expect, it } from 'vitest';
import { History } from './history.ts';
import { type MembershipCall, membershipProblems, type MembershipResult } from './membership.ts';

const FOUNDERS = [1, 2, 3];

class Log {
  readonly history = new History<MembershipCall, MembershipResult>(() => 0);

  change(add: readonly number[], remove: readonly number[]) {
    return this.history.invoke(1, '', { kind: 'change', add, remove });
  }

  changed(add: readonly number[], remove: readonly number[]): void {
    this.history.ok(this.change(add, remove), { kind: 'done' });
  }

  saw(...ids: readonly number[]): void {
    this.history.ok(this.history.invoke(1, '', { kind: 'look' }), { kind: 'members', ids });
  }

  problems(...final: readonly number[]): readonly string[] {
    return membershipProblems(FOUNDERS, this.history.operations, final);
  }
}

describe('membershipProblems accepts', () => {
  it('members that come and go', () => {
    const log = new Log();
    log.saw(1, 2, 3);
    log.changed([4, 5], [1]);
    log.saw(2, 3, 4, 5);
    log.changed([], [4]);
    expect(log.problems(2, 3, 5)).toEqual([]);
  });

  it('a change of unknown outcome, done, not done or half way', () => {
    for (const final of [
      [1, 2, 3],
      [1, 2, 3, 4],
      [2, 3, 4],
    ]) {
      const log = new Log();
      log.history.info(log.change([4], [1]));
      expect(log.problems(...final)).toEqual([]);
      log.history.ok(log.change([4], [1]), { kind: 'begun' });
      expect(log.problems(...final)).toEqual([]);
    }
  });

  it('a change that was refused, and one that was taken back', () => {
    const log = new Log();
    log.history.ok(log.change([4], []), { kind: 'refused' });
    log.history.info(log.change([5], []));
    log.history.ok(log.history.invoke(1, '', { kind: 'take back' }), { kind: 'done' });
    expect(log.problems(1, 2, 3)).toEqual([]);
  });
});

describe('membershipProblems refuses', () => {
  it('a node that comes back', () => {
    const log = new Log();
    log.changed([], [3]);
    log.saw(1, 2, 3);
    expect(log.problems(1, 2)).toEqual(['node 3 is a member, it was taken out']);
    expect(log.problems(1, 2, 3)).toContain('in the end node 3 is a member, it was taken out');
  });

  it('a node that is lost, a founder or one that was added', () => {
    const log = new Log();
    log.changed([4], []);
    expect(log.problems(1, 2, 3)).toEqual(['in the end node 4 is no member, nobody has taken it out']);
    expect(log.problems(1, 2, 4)).toEqual(['in the end node 3 is no member, nobody has taken it out']);
  });

  it('a node that nobody has added, or whose addition was refused', () => {
    const log = new Log();
    log.history.ok(log.change([4], []), { kind: 'refused' });
    expect(log.problems(1, 2, 3, 4)).toEqual(['in the end node 4 is a member, nobody has added it']);
    expect(log.problems(1, 2, 3, 9)).toEqual(['in the end node 9 is a member, nobody has added it']);
  });
});
