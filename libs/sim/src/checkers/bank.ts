import type { Operation } from './history.ts';

export type BankCall =
  /** Gives every account its first balance, unless they have one. */
  | { readonly kind: 'open' }
  | { readonly kind: 'transfer'; readonly from: string; readonly to: string; readonly amount: number }
  /** Looks at all accounts in one moment. */
  | { readonly kind: 'read' };

/** Of a read: by account, undefined when it has no balance. */
export type Balances = Readonly<Record<string, number | undefined>>;
export type BankResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'balances'; readonly balances: Balances };

export interface Bank {
  readonly accounts: readonly string[];
  /** Of each account, in the beginning. */
  readonly balance: number;
}

type Recorded = Operation<BankCall, BankResult>;

/**
 * What is wrong with the history of a bank, given what its accounts hold in the end. Money moves and is neither made nor
 * lost, at any moment that anybody saw; no account goes below zero. In the end every acknowledged transfer counts once,
 * one of unknown outcome once or not at all.
 */
export function bankProblems(
  bank: Bank,
  operations: readonly Recorded[],
  final: Balances,
): readonly string[] {
  const problems: string[] = [];
  let openSince = Number.POSITIVE_INFINITY;
  for (const { result, completed, call } of operations) {
    const opened = result?.kind === 'balances' ? isOpen(bank, result.balances) : call.kind === 'open';
    if (result !== undefined && opened) openSince = Math.min(openSince, completed);
  }
  for (const { result, invoked } of operations) {
    if (result?.kind !== 'balances') continue;
    const problem = balanceProblem(bank, result.balances, openSince < invoked);
    if (problem !== undefined) problems.push(problem);
  }
  const problem = balanceProblem(bank, final, openSince < Number.POSITIVE_INFINITY);
  if (problem !== undefined) problems.push(`in the end ${problem}`);
  else if (isOpen(bank, final)) problems.push(...accountProblems(bank, operations, final));
  return problems;
}

function isOpen({ accounts }: Bank, balances: Balances): boolean {
  return accounts.some((account) => balances[account] !== undefined);
}

function balanceProblem(bank: Bank, balances: Balances, mustBeOpen: boolean): string | undefined {
  const { accounts, balance } = bank;
  const shown = JSON.stringify(balances);
  if (!isOpen(bank, balances))
    return mustBeOpen ? `no account has a balance, some had before: ${shown}` : undefined;
  let sum = 0;
  for (const account of accounts) {
    const held = balances[account];
    if (held === undefined) return `${account} has no balance, others have: ${shown}`;
    if (held < 0) return `${account} holds less than nothing: ${shown}`;
    sum += held;
  }
  const total = accounts.length * balance;
  return sum === total ? undefined : `the sum is ${sum}, not ${total}: ${shown}`;
}

function accountProblems(
  { accounts, balance }: Bank,
  operations: readonly Recorded[],
  final: Balances,
): readonly string[] {
  return accounts.flatMap((account) => {
    let low = balance;
    let high = balance;
    for (const { call, outcome } of operations) {
      if (call.kind !== 'transfer' || outcome === 'fail') continue;
      const moved = (call.to === account ? call.amount : 0) - (call.from === account ? call.amount : 0);
      if (outcome === 'ok' || moved < 0) low += moved;
      if (outcome === 'ok' || moved > 0) high += moved;
    }
    const held = final[account] ?? 0;
    return held < low || held > high ? [`${account} holds ${held} in the end, not ${low} .. ${high}`] : [];
  });
}
