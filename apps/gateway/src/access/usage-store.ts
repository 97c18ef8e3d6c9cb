import { asError } from '@holdfast/io';
import type { Logger } from '@holdfast/telemetry';
import { HoldfastError } from '@holdfast/wire';
import { z } from 'zod';
import type { Accounts } from './accounts.ts';
import type { SystemRecords } from './system-records.ts';
import { sumOfUsage, type Usage, USAGE_FIELDS, type UsageCounts, type UsageField } from './usage.ts';

/** How long usage is kept, in milliseconds: 400 days, so that a year can be compared with the one before. */
const KEPT_MS = 400 * 86_400_000;
/** Records written at the same time. */
const WRITES_MAX = 16;
/** Longest wait for one of them, in milliseconds. */
const WRITE_MS_MAX = 5000;
const PAGE_RECORDS = 1000;
/** Records that one question adds up. */
const RECORDS_MAX = 100_000;

const recordSchema = z.object(
  Object.fromEntries(USAGE_FIELDS.map((field) => [field, z.number().default(0)])) as Record<
    UsageField,
    z.ZodDefault<z.ZodNumber>
  >,
);

export interface DayOfUsage {
  readonly day: string;
  readonly counts: UsageCounts;
}

/**
 * Usage in the system keyspace: `usage/<tenant>/<day>/<process>` holds what one process of a gateway has counted on
 * one day. Only that process writes the record, and always the whole count: writing it twice changes nothing, so usage
 * is never counted twice. What was counted after the last writing is lost when a process is killed.
 */
export class UsageStore {
  readonly #records: Pick<SystemRecords, 'put' | 'list'>;
  readonly #accounts: Accounts;
  readonly #process: string;
  readonly #log: Logger;
  /** `changes` of what was written last, by record. */
  readonly #written = new Map<string, number>();
  #writing: Promise<void> | undefined;
  #troubled = false;

  /** @param process unique among all processes of all gateways, ever. */
  constructor(
    records: Pick<SystemRecords, 'put' | 'list'>,
    accounts: Accounts,
    process: string,
    log: Logger,
  ) {
    this.#records = records;
    this.#accounts = accounts;
    this.#process = process;
    this.#log = log;
  }

  /** Writes down what has changed; what cannot be written now is tried again with the next call. Never throws. */
  async write(): Promise<void> {
    await this.#writing;
    this.#writing = this.#writeAll();
    await this.#writing;
  }

  /** Day by day, `from` and `to` included, what was not written yet included. @throws HoldfastError. */
  async read(tenant: string, from: string, to: string): Promise<DayOfUsage[]> {
    const prefix = `usage/${tenant}/`;
    const days = new Map<string, Partial<UsageCounts>[]>();
    const add = (day: string, counts: Partial<UsageCounts>): void => {
      if (day >= from && day <= to) days.set(day, [...(days.get(day) ?? []), counts]);
    };
    let after: string | undefined = `${prefix}${from}`;
    for (let read = 0; after !== undefined; read += PAGE_RECORDS) {
      if (read >= RECORDS_MAX) throw new HoldfastError('HF_BAD_REQUEST', { detail: 'too many days at once' });
      const page = await this.#records.list(prefix, after, PAGE_RECORDS);
      for (const { key, json } of page) {
        const [day = '', process] = key.slice(prefix.length).split('/');
        // Of this process, the counters know more.
        if (process !== this.#process || !this.#counts(day, tenant)) add(day, recordSchema.parse(json));
      }
      const last = page.at(-1)?.key;
      const more = page.length === PAGE_RECORDS && last !== undefined && last < `${prefix}${to}0`;
      after = more ? last : undefined;
    }
    for (const { day, usage } of this.#accounts.days()) {
      const own = usage.get(tenant);
      if (own !== undefined) add(day, own.counts());
    }
    return [...days]
      .map(([day, all]) => ({ day, counts: sumOfUsage(all) }))
      .toSorted((a, b) => (a.day < b.day ? -1 : 1));
  }

  #counts(day: string, tenant: string): boolean {
    return this.#accounts.days().some((known) => known.day === day && known.usage.has(tenant));
  }

  async #writeAll(): Promise<void> {
    const days = this.#accounts.days();
    const dirty: { readonly key: string; readonly usage: Usage }[] = [];
    for (const { day, usage: tenants } of days) {
      for (const [tenant, usage] of tenants) {
        const key = `usage/${tenant}/${day}/${this.#process}`;
        if (this.#written.get(key) !== usage.changes) dirty.push({ key, usage });
      }
    }
    let failure: unknown;
    const write = async (): Promise<void> => {
      for (let next = dirty.pop(); next !== undefined; next = dirty.pop()) {
        const { key, usage } = next;
        const { changes } = usage;
        try {
          await this.#records.put(key, usage.counts(), { ttlMs: KEPT_MS, deadlineMs: WRITE_MS_MAX });
          this.#written.set(key, changes);
        } catch (error) {
          failure = error;
        }
      }
    };
    await Promise.all(Array.from({ length: WRITES_MAX }, write));
    if (failure === undefined) {
      for (const { day } of days.slice(0, -1)) this.#forget(day);
    } else if (!this.#troubled) {
      this.#log.warn({ reason: asError(failure).message }, 'usage cannot be written now; it is tried again');
    }
    this.#troubled = failure !== undefined;
  }

  #forget(day: string): void {
    this.#accounts.forgetDay(day);
    for (const key of this.#written.keys())
      if (key.endsWith(`/${day}/${this.#process}`)) this.#written.delete(key);
  }
}
