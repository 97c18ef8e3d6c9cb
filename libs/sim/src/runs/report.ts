import { Coverage, Violation } from '../checkers/violation.ts';
import type { Scheduler } from '../world/scheduler.ts';
import type { Mask } from './mask.ts';

/** What may be asked of a run, whatever its world. */
export interface RunOptions {
  /** A planted bug of this name. */
  readonly canary?: string;
  /** Called first: whoever learns of a failure elsewhere (an unhandled rejection) stops the run here. */
  readonly onScheduler?: (scheduler: Scheduler) => void;
  /** Called last, with what the clients did, as JSON lines. */
  readonly onHistory?: (lines: Iterable<string>) => void;
  /** A part of the run only: then it need not do enough to count as a test. */
  readonly mask?: Mask;
}

/** How many decisions a run had: what a {@link Mask} can leave out. */
export interface Decisions {
  readonly faults: number;
  /** Of each worker, by its process number. */
  readonly steps: readonly number[];
}

/** What one run of one seed came to. */
export interface RunReport {
  readonly seed: number;
  /** Undefined when every invariant held. */
  readonly failure: RunFailure | undefined;
  /** Digest of every event: two runs of a seed have the same. */
  readonly hash: number;
  readonly events: number;
  readonly simulatedMs: number;
  /** Operations of the clients by outcome. */
  readonly operations: { readonly ok: number; readonly fail: number; readonly info: number };
  readonly coverage: readonly (readonly [string, number])[];
  readonly decisions: Decisions;
}

export interface RunFailure {
  /** Name of the violated invariant, or `error` for anything unexpected. */
  readonly invariant: string;
  readonly detail: string;
  /** The last faults and events before it. */
  readonly lastEvents: readonly string[];
}

/** Sum of many reports. */
export class BatchReport {
  readonly coverage = new Coverage();
  readonly failures: RunReport[] = [];
  seeds = 0;
  events = 0;
  simulatedMs = 0;
  ok = 0;

  add(report: RunReport): void {
    this.seeds++;
    this.events += report.events;
    this.simulatedMs += report.simulatedMs;
    this.ok += report.operations.ok;
    this.coverage.add(report.coverage);
    if (report.failure !== undefined) this.failures.push(report);
  }
}

/** What an error says, and all that caused it. */
function causesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  const own = error.stack ?? error.message;
  return error.cause === undefined ? [own] : [own, ...causesOf(error.cause)];
}

const LAST_EVENTS = 20;

export function failureOf(error: unknown, events: readonly string[]): RunFailure {
  const lastEvents = events.slice(-LAST_EVENTS);
  if (error instanceof Violation) return { invariant: error.invariant, detail: error.message, lastEvents };
  return { invariant: 'error', detail: causesOf(error).join('\ncaused by '), lastEvents };
}
