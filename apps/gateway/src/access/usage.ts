import { OpKind } from '@holdfast/wire';

/** What is counted, by the names that records and answers use; the order is that of the counters. */
export const USAGE_FIELDS = [
  'requests',
  'bytes_in',
  'bytes_out',
  'gets',
  'puts',
  'deletes',
  'scans',
  'increments',
  'transactions',
  'lookups',
  'watches',
] as const;
export type UsageField = (typeof USAGE_FIELDS)[number];
export type UsageCounts = Readonly<Record<UsageField, number>>;

const SLOT = Object.fromEntries(USAGE_FIELDS.map((field, i) => [field, i])) as Record<UsageField, number>;
const SLOT_OF_KIND: Readonly<Record<OpKind, number>> = {
  [OpKind.get]: SLOT.gets,
  [OpKind.getRevision]: SLOT.gets,
  [OpKind.put]: SLOT.puts,
  [OpKind.delete]: SLOT.deletes,
  [OpKind.scan]: SLOT.scans,
  [OpKind.increment]: SLOT.increments,
  [OpKind.transaction]: SLOT.transactions,
  [OpKind.deleteRange]: SLOT.deletes,
  [OpKind.lookup]: SLOT.lookups,
};

/** Counters of one tenant on one day in this process: additions to an array, read when they are written down. */
export class Usage {
  readonly #counts = new Float64Array(USAGE_FIELDS.length);
  /** Grows with every change: tells whether something was counted since. */
  changes = 0;

  operation(kind: OpKind): void {
    this.#add(SLOT_OF_KIND[kind], 1);
  }

  watch(): void {
    this.#add(SLOT.watches, 1);
  }

  /** A request that has been answered, with the bytes of both bodies. */
  request(bytesIn: number, bytesOut: number): void {
    this.#add(SLOT.requests, 1);
    this.#add(SLOT.bytes_in, bytesIn);
    this.#add(SLOT.bytes_out, bytesOut);
  }

  counts(): UsageCounts {
    return Object.fromEntries(USAGE_FIELDS.map((field, i) => [field, this.#counts[i] ?? 0])) as UsageCounts;
  }

  #add(slot: number, amount: number): void {
    this.#counts[slot] = (this.#counts[slot] ?? 0) + amount;
    this.changes += 1;
  }
}

/** The sum, field by field. */
export function sumOfUsage(all: Iterable<Partial<UsageCounts>>): UsageCounts {
  const sum = Object.fromEntries(USAGE_FIELDS.map((field) => [field, 0])) as Record<UsageField, number>;
  for (const counts of all) for (const field of USAGE_FIELDS) sum[field] += counts[field] ?? 0;
  return sum;
}
