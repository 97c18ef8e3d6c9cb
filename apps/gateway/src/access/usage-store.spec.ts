import { createLogger } from '@holdfast/telemetry';
import { HoldfastError, OpKind } from '@holdfast/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { Accounts } from './accounts.ts';
import type { SystemRecord } from './system-records.ts';
import { UsageStore } from './usage-store.ts';

const DAY_MS = 86_400_000;
const MIDNIGHT_MS = Date.parse('2026-11-23T00:00:00Z');
const log = createLogger({ app: 'gateway', level: 'silent' });

/** Records in memory, as the store keeps them. */
class Records {
  readonly kept = new Map<string, unknown>();
  writes = 0;
  broken = false;

  put(key: string, json: unknown): Promise<void> {
    this.writes += 1;
    if (this.broken) return Promise.reject(new HoldfastError('HF_TIMEOUT'));
    this.kept.set(key, json);
    return Promise.resolve();
  }

  list(prefix: string, after: string | undefined, limit: number): Promise<SystemRecord[]> {
    const keys = [...this.kept.keys()]
      .filter((key) => key.startsWith(prefix) && key > (after ?? ''))
      .toSorted();
    return Promise.resolve(
      keys.slice(0, limit).map((key) => ({ key, json: this.kept.get(key), revision: 1 })),
    );
  }
}

let nowMs: number;
const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
let records: Records;
beforeEach(() => {
  nowMs = MIDNIGHT_MS + DAY_MS / 2;
  records = new Records();
});

/** A process of a gateway. */
function gateway(name: string): { accounts: Accounts; usage: UsageStore } {
  const accounts = new Accounts(clock);
  return { accounts, usage: new UsageStore(records, accounts, name, log) };
}
const requestsOf = async (usage: UsageStore, from = '2026-01-01', to = '2026-12-31') =>
  (await usage.read('acme', from, to)).map(({ day, counts }) => [day, counts.requests]);

describe('usage', () => {
  it('is the sum over gateways and their restarts', async () => {
    for (const [name, requests] of [
      ['a', 3],
      ['b', 4],
      ['a, started again', 5],
    ] as const) {
      const { accounts, usage } = gateway(name);
      for (let i = 0; i < requests; i++) accounts.usageOf('acme').request(10, 20);
      await usage.write();
    }
    const [day] = await gateway('c').usage.read('acme', '2026-11-23', '2026-11-23');
    expect(day?.counts).toMatchObject({ requests: 12, bytes_in: 120, bytes_out: 240 });
  });

  it('counts what is not written yet, and nothing twice', async () => {
    const { accounts, usage } = gateway('a');
    accounts.usageOf('acme').request(0, 0);
    expect(await requestsOf(usage)).toEqual([['2026-11-23', 1]]);
    await usage.write();
    expect(await requestsOf(usage)).toEqual([['2026-11-23', 1]]);
    accounts.usageOf('acme').operation(OpKind.put);
    await usage.write();
    await usage.write();
    expect(records.writes).toBe(2);
    expect((await usage.read('acme', '2026-11-23', '2026-11-23'))[0]?.counts).toMatchObject({
      requests: 1,
      puts: 1,
    });
  });

  it('survives that it cannot be written', async () => {
    const { accounts, usage } = gateway('a');
    accounts.usageOf('acme').request(0, 0);
    records.broken = true;
    await usage.write();
    accounts.usageOf('acme').request(0, 0);
    records.broken = false;
    await usage.write();
    expect(await requestsOf(gateway('b').usage)).toEqual([['2026-11-23', 2]]);
  });

  it('is kept day by day, across midnight', async () => {
    const { accounts, usage } = gateway('a');
    accounts.usageOf('acme').request(0, 0);
    nowMs += DAY_MS;
    accounts.usageOf('acme').request(0, 0);
    accounts.usageOf('acme').request(0, 0);
    const both = [
      ['2026-11-23', 1],
      ['2026-11-24', 2],
    ];
    expect(await requestsOf(usage)).toEqual(both);
    await usage.write();
    expect(accounts.days().map(({ day }) => day)).toEqual(['2026-11-24']);
    expect(await requestsOf(usage)).toEqual(both);
    expect(await requestsOf(usage, '2026-11-24', '2026-11-24')).toEqual([['2026-11-24', 2]]);
    expect(await requestsOf(usage, '2026-11-23', '2026-11-23')).toEqual([['2026-11-23', 1]]);
    expect(await requestsOf(usage, '2026-11-25')).toEqual([]);
  });

  it('of one tenant is nobody else’s, though his name begins the same', async () => {
    const { accounts, usage } = gateway('a');
    accounts.usageOf('acme2').request(0, 0);
    await usage.write();
    expect(await requestsOf(gateway('b').usage)).toEqual([]);
  });
});
