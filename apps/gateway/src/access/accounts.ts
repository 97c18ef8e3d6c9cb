import type { Clock } from '@holdfast/io';
import { Budget } from './budget.ts';
import type { Limits, Principal } from './principal.ts';
import { Usage } from './usage.ts';

/** Budgets remembered; the one that was made first goes first, which refills it. */
const BUDGETS_MAX = 20_000;
const DAY_MS = 86_400_000;

/** What is counted of a principal. */
export interface Account {
  readonly usage: Usage;
  /** Undefined: no limits. */
  readonly budget: Budget | undefined;
}

/** `2026-11-23`, in UTC. */
export function dayOf(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10);
}

/** Who uses how much, in this gateway: budgets by principal, usage by tenant and day. */
export class Accounts {
  readonly #clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;
  readonly #defaults: Limits;
  readonly #budgets = new Map<string, { readonly limits: string; readonly budget: Budget | undefined }>();
  /** Tenants of `#day`. */
  #usage = new Map<string, Usage>();
  /** Days that have ended and are not written down yet. */
  #ended: { readonly day: string; readonly usage: Map<string, Usage> }[] = [];
  #day: string;
  #dayEndsAtMs: number;

  constructor(clock: Pick<Clock, 'wallMs' | 'monotonicMs'>, defaults: Limits = {}) {
    this.#clock = clock;
    this.#defaults = defaults;
    const wallMs = clock.wallMs();
    this.#day = dayOf(wallMs);
    this.#dayEndsAtMs = endOfDay(wallMs);
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  /** To be asked for each request: what it gave before may belong to yesterday. */
  usageOf(tenant: string): Usage {
    const wallMs = this.#clock.wallMs();
    if (wallMs >= this.#dayEndsAtMs) this.#turnDay(wallMs);
    let usage = this.#usage.get(tenant);
    if (usage === undefined) this.#usage.set(tenant, (usage = new Usage()));
    return usage;
  }

  /** The same principal has the same budget, whichever of its tokens it shows. The root key has none. */
  budgetOf({ id, limits }: Principal): Budget | undefined {
    const effective = id === 'root' ? limits : { ...this.#defaults, ...limits };
    const text = JSON.stringify(effective);
    const known = this.#budgets.get(id);
    if (known?.limits === text) return known.budget;
    const limited = Object.values(effective).some((limit) => limit !== undefined);
    const budget = limited ? new Budget(effective, this.#clock.monotonicMs()) : undefined;
    if (known === undefined && this.#budgets.size >= BUDGETS_MAX) {
      const [oldest] = this.#budgets.keys();
      if (oldest !== undefined) this.#budgets.delete(oldest);
    }
    this.#budgets.set(id, { limits: text, budget });
    return budget;
  }

  /** Every day that has something to write down, the current one last. */
  days(): readonly { readonly day: string; readonly usage: ReadonlyMap<string, Usage> }[] {
    return [...this.#ended, { day: this.#day, usage: this.#usage }];
  }

  /** A day that has ended is written down: it is forgotten here. */
  forgetDay(day: string): void {
    this.#ended = this.#ended.filter((ended) => ended.day !== day);
  }

  #turnDay(wallMs: number): void {
    this.#ended.push({ day: this.#day, usage: this.#usage });
    this.#usage = new Map();
    this.#day = dayOf(wallMs);
    this.#dayEndsAtMs = endOfDay(wallMs);
  }
}

function endOfDay(wallMs: number): number {
  return (Math.floor(wallMs / DAY_MS) + 1) * DAY_MS;
}
