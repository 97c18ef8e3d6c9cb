import { type AtomicResult, type Client, HoldfastError, json, type Keyspace } from '@holdfast/client';
import { type Random, randomChance, randomInteger, randomPick } from '@holdfast/io';
import { type Balances, type Bank, type BankCall, bankProblems, type BankResult } from '../checkers/bank.ts';
import type { History } from '../checkers/history.ts';
import { Violation } from '../checkers/violation.ts';
import { attempt, checkUnchanged, maybeOnce, readTogether } from './transaction.ts';
import { RecordedWorkload } from './recorded-workload.ts';
import { Worker, type WorkerWorld } from './worker.ts';
import { LAST_LOOK_MS } from './workload.ts';

type BankHistory = History<BankCall, BankResult>;

/** Beginnings of accounts, each inside one range of the default keyspace. */
const PREFIXES = ['account-', 'fund-', 'purse-', 'vault-'];
const BALANCE = 100;

/** Transfers between accounts of one range, and looks at all of them in one moment. The sum never changes. */
export class BankWorkload extends RecordedWorkload<BankCall, BankResult> {
  readonly name = 'bank';
  readonly #prefix: string;
  readonly #bank: Bank;

  constructor(nowUs: () => number, random: Random) {
    super(nowUs);
    this.#prefix = randomPick(random, PREFIXES);
    const count = randomInteger(random, 2, 6);
    this.#bank = {
      accounts: Array.from({ length: count }, (_, i) => `${this.#prefix}${i}`),
      balance: BALANCE,
    };
  }

  worker(world: WorkerWorld): Worker {
    return new BankWorker(world, this.history, this.#prefix, this.#bank);
  }

  async judge(client: Client): Promise<void> {
    const keyspace = client.keyspace('default', json<number>());
    const final = await balancesOf(keyspace, this.#bank.accounts, LAST_LOOK_MS);
    const [problem] = bankProblems(this.#bank, this.history.operations, final);
    if (problem !== undefined) throw new Violation('bank', problem);
  }
}

class BankWorker extends Worker {
  readonly #history: BankHistory;
  readonly #prefix: string;
  readonly #bank: Bank;
  readonly #balances: Keyspace<number>;
  #opened = false;
  #serial = 0;

  constructor(world: WorkerWorld, history: BankHistory, prefix: string, bank: Bank) {
    super(world);
    this.#history = history;
    this.#prefix = prefix;
    this.#bank = bank;
    this.#balances = this.client.keyspace('default', json<number>());
  }

  protected async step(random: Random): Promise<void> {
    const { accounts } = this.#bank;
    if (!this.#opened && randomChance(random, 0.7)) {
      const call = this.#history.invoke(this.process, this.#prefix, { kind: 'open' });
      await this.record<BankCall, BankResult>(this.#history, call, false, () => this.#open());
      return;
    }
    if (randomChance(random, 0.3)) {
      const call = this.#history.invoke(this.process, this.#prefix, { kind: 'read' });
      await this.record<BankCall, BankResult>(this.#history, call, true, async () => {
        const balances = randomChance(random, 0.5)
          ? await balancesOf(this.#balances, accounts, this.pace.deadlineMs)
          : await this.#scanned();
        return balances === undefined ? undefined : { kind: 'balances', balances };
      });
      return;
    }
    const from = randomPick(random, accounts);
    const to = randomPick(
      random,
      accounts.filter((account) => account !== from),
    );
    const amount = randomInteger(random, 1, BALANCE / 2);
    const call = this.#history.invoke(this.process, this.#prefix, { kind: 'transfer', from, to, amount });
    await this.record<BankCall, BankResult>(this.#history, call, false, async () => {
      const result = await attempt(
        () => this.#transfer(random, from, to, amount),
        () => this.writes++,
      );
      if (result === undefined) return undefined;
      return { kind: 'done' };
    });
  }

  /** The accounts exist behind it, whoever opened them. */
  async #open(): Promise<BankResult> {
    const { accounts, balance } = this.#bank;
    const opening = this.#balances.atomic().check(accounts[0]!, { exists: false });
    for (const account of accounts) opening.set(account, balance);
    await opening.commit({ deadlineMs: this.pace.deadlineMs });
    this.#opened = true;
    return { kind: 'done' };
  }

  /** Undefined when there is not enough to move. */
  async #transfer(
    random: Random,
    from: string,
    to: string,
    amount: number,
  ): Promise<AtomicResult | undefined> {
    const { deadlineMs } = this.pace;
    const items = await readTogether(this.#balances, [from, to], deadlineMs);
    const here = items.get(from)?.value;
    const there = items.get(to)?.value;
    if (here === undefined || there === undefined || here < amount) return undefined;
    const transaction = this.#balances.atomic();
    if (randomChance(random, 0.5)) {
      checkUnchanged(transaction, items);
      transaction.set(from, here - amount).set(to, there + amount);
    } else {
      // Others may have paid in and out meanwhile, as long as as much is there.
      transaction.check(from, { value: here }).increment(from, -amount).increment(to, amount);
    }
    const once = maybeOnce(random, `${this.process}-bank-${++this.#serial}`);
    return transaction.commit({ deadlineMs, ...once });
  }

  /** Undefined when the moment that the first page showed was forgotten before the last page. */
  async #scanned(): Promise<Balances | undefined> {
    const balances: Record<string, number> = {};
    const { deadlineMs } = this.pace;
    // Small pages: several requests, one moment.
    const rows = this.#balances.scan({ prefix: this.#prefix, snapshot: true, pageSize: 2, deadlineMs });
    try {
      for await (const { key = '', value } of rows) balances[key] = value;
    } catch (error) {
      if (error instanceof HoldfastError && error.code === 'HF_COMPACTED') return undefined;
      throw error;
    }
    return balances;
  }
}

async function balancesOf(
  keyspace: Keyspace<number>,
  accounts: readonly string[],
  deadlineMs: number,
): Promise<Balances> {
  const items = await readTogether(keyspace, accounts, deadlineMs);
  return Object.fromEntries(accounts.map((account) => [account, items.get(account)?.value]));
}
