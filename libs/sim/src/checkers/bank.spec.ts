import { describe, expect, it } from 'vitest';
import { type Balances, type BankCall, bankProblems, type BankResult } from './bank.ts';
import { History } from './history.ts';

const BANK = { accounts: ['a', 'b', 'c'], balance: 10 };

class Log {
  readonly history = new History<BankCall, BankResult>(() => 0);

  open(): void {
    this.history.ok(this.history.invoke(1, '', { kind: 'open' }), { kind: 'done' });
  }

  move(from: string, to: string, amount: number) {
    return this.history.invoke(1, '', { kind: 'transfer', from, to, amount });
  }

  moved(from: string, to: string, amount: number): void {
    this.history.ok(this.move(from, to, amount), { kind: 'done' });
  }

  saw(a?: number, b?: number, c?: number): void {
    this.history.ok(this.history.invoke(2, '', { kind: 'read' }), {
      kind: 'balances',
      balances: { a, b, c },
    });
  }

  problems(a?: number, b?: number, c?: number): readonly string[] {
    const final: Balances = { a, b, c };
    return bankProblems(BANK, this.history.operations, final);
  }
}

describe('bankProblems accepts', () => {
  it('money that moves', () => {
    const log = new Log();
    log.saw();
    log.open();
    log.moved('a', 'b', 4);
    log.saw(6, 14, 10);
    log.moved('b', 'c', 14);
    expect(log.problems(6, 0, 24)).toEqual([]);
  });

  it('a transfer of unknown outcome, done or not, and one that failed', () => {
    const log = new Log();
    log.open();
    log.history.info(log.move('a', 'b', 3));
    log.history.fail(log.move('a', 'c', 5));
    expect(log.problems(10, 10, 10)).toEqual([]);
    expect(log.problems(7, 13, 10)).toEqual([]);
  });

  it('a bank that nobody could open', () => {
    expect(new Log().problems()).toEqual([]);
  });
});

describe('bankProblems refuses', () => {
  it.each([
    ['a sum that is wrong at one moment', [6, 10, 10], '["the sum is 26'],
    ['an account below zero', [-1, 21, 10], '["a holds less than nothing'],
    ['half an opening', [10, undefined, 10], '["b has no balance'],
    ['balances that are gone', [], '["no account has a balance'],
  ] as const)('%s', (_, balances, text) => {
    const log = new Log();
    log.open();
    log.saw(...balances);
    expect(JSON.stringify(log.problems(10, 10, 10))).toContain(text);
  });

  it('an acknowledged transfer that is missing, although the sum is right', () => {
    const log = new Log();
    log.open();
    log.moved('a', 'b', 4);
    expect(log.problems(10, 10, 10)).toEqual([
      'a holds 10 in the end, not 6 .. 6',
      'b holds 10 in the end, not 14 .. 14',
    ]);
  });

  it('a transfer that happened twice, or although it had failed', () => {
    const twice = new Log();
    twice.open();
    twice.history.info(twice.move('a', 'b', 4));
    expect(twice.problems(2, 18, 10)).toHaveLength(2);
    const failed = new Log();
    failed.open();
    failed.history.fail(failed.move('a', 'b', 4));
    expect(failed.problems(6, 14, 10)).toHaveLength(2);
  });

  it('a wrong sum in the end', () => {
    const log = new Log();
    log.open();
    expect(log.problems(10, 10, 9)).toEqual([expect.stringContaining('in the end the sum is 29')]);
  });
});
