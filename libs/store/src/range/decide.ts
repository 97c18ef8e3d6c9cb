import { EMPTY_BYTES, equalBytes, unreachable, viewOf } from '@holdfast/io';
import { encodeTransactionAnswer, type StepResult, TRANSACTION_BYTES_MAX } from '@holdfast/wire';
import { ABSENT, keyText, type LiveVersion } from './command-overlay.ts';
import { ConditionKind, MutationKind } from './command.ts';
import { encodeCounter, readCounter } from './counter.ts';
import { APPLIED, type MutationOutcome, refused } from './outcome.ts';
import { expiryOf, readStoredValue } from './stored-value.ts';
import type { Step, Unit } from './unit.ts';

/** What a unit writes and what is answered. Without `applied`, nothing is written. */
export interface Decision {
  readonly outcome: MutationOutcome;
  /** In order; `value` undefined deletes. */
  readonly writes: readonly { readonly key: Uint8Array; readonly value: Uint8Array | undefined }[];
}

/** The versions that a unit looks at, by `keyText`. */
export type Versions = ReadonlyMap<string, LiveVersion>;

/** Keys that {@link decide} has to know of. */
export function keysRead({ kind, checks, success, failure }: Unit): readonly Uint8Array[] {
  const isTransaction = kind === MutationKind.transaction;
  const reads = (step: Step): boolean => isTransaction || step.tells || step.kind === MutationKind.increment;
  return [...checks, ...[...success, ...failure].filter(reads)].map(({ key }) => key);
}

/**
 * Decides a unit: all checks are held against the state in front of it; then one list of steps happens, in order,
 * each seeing what those before it wrote, or nothing happens at all. A pure function of its arguments.
 */
export function decide(unit: Unit, before: Versions): Decision {
  const failed = unit.checks.findIndex((check) => !holds(check, versionIn(before, check.key)));
  if (unit.kind !== MutationKind.transaction) {
    const [step] = unit.success;
    const live = versionIn(before, step.key);
    if (failed >= 0) return { outcome: refused('condition-failed', live.revision), writes: [] };
    const run = perform(unit.success, unit.revision, before);
    if (run === undefined) return { outcome: refused('not-integer', live.revision), writes: [] };
    const counter = step.kind === MutationKind.increment ? run.counter : 0;
    const existed = live.revision !== 0;
    return { outcome: { ...APPLIED, revision: unit.revision, counter, existed }, writes: run.writes };
  }
  const run = perform(failed < 0 ? unit.success : unit.failure, unit.revision, before);
  if (run === undefined) return { outcome: refused('not-integer', 0), writes: [] };
  const payload = encodeTransactionAnswer({
    failedCheck: failed < 0 ? undefined : failed,
    results: run.results,
  });
  if (payload.length > TRANSACTION_BYTES_MAX) return { outcome: refused('answer-too-large', 0), writes: [] };
  const outcome = { ...APPLIED, revision: unit.revision, succeeded: failed < 0, payload };
  return { outcome, writes: run.writes };
}

interface Run {
  readonly writes: Decision['writes'];
  readonly results: readonly StepResult[];
  /** What the last increment made. */
  readonly counter: number;
}

/** Undefined when an increment meets something that is no integer, or leaves the safe ones. */
function perform(steps: readonly Step[], revision: number, before: Versions): Run | undefined {
  const written = new Map<string, LiveVersion>();
  const writes: { key: Uint8Array; value: Uint8Array | undefined }[] = [];
  const results: StepResult[] = [];
  let counter = 0;
  for (const step of steps) {
    const { key, kind } = step;
    const text = keyText(key);
    const live = written.get(text) ?? before.get(text) ?? ABSENT;
    const write = (value: Uint8Array | undefined): void => {
      written.set(text, value === undefined ? ABSENT : { revision, value });
      writes.push({ key, value });
    };
    switch (kind) {
      case MutationKind.get:
        results.push(readResult(live));
        continue;
      case MutationKind.put:
        write(step.value);
        results.push(writeResult(revision, live, EMPTY_BYTES));
        break;
      case MutationKind.delete:
        write(undefined);
        results.push(writeResult(revision, live, EMPTY_BYTES));
        break;
      case MutationKind.increment: {
        const start = live.value === undefined ? 0 : readCounter(live.value);
        counter = start === undefined ? Number.NaN : start + step.delta;
        if (!Number.isSafeInteger(counter)) return undefined;
        // A counter that expires goes on to do so when it said: counting is no renewal.
        write(encodeCounter(counter, live.value === undefined ? 0 : expiryOf(live.value)));
        results.push(writeResult(revision, live, counterBytes(counter)));
        break;
      }
      case MutationKind.transaction:
      case MutationKind.once:
      case MutationKind.expire:
      case MutationKind.deleteRange:
      case MutationKind.check:
        throw new Error(`mutation of kind ${kind} among steps`);
      default:
        unreachable(kind, 'mutation kind');
    }
  }
  return { writes, results, counter };
}

function readResult({ revision, value: stored }: LiveVersion): StepResult {
  if (stored === undefined) {
    return { revision: 0, found: false, value: EMPTY_BYTES, contentType: EMPTY_BYTES, expiresAtMs: 0 };
  }
  const { value, contentType, expiresAtMs } = readStoredValue(stored);
  return { revision, found: true, value, contentType, expiresAtMs };
}

function writeResult(revision: number, before: LiveVersion, value: Uint8Array): StepResult {
  return { revision, found: before.revision !== 0, value, contentType: EMPTY_BYTES, expiresAtMs: 0 };
}

function counterBytes(counter: number): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigInt64(0, BigInt(counter), true);
  return bytes;
}

function versionIn(versions: Versions, key: Uint8Array): LiveVersion {
  return versions.get(keyText(key)) ?? ABSENT;
}

function holds(check: Step, live: LiveVersion): boolean {
  const { condition } = check;
  switch (condition) {
    case ConditionKind.none:
      return true;
    case ConditionKind.absent:
      return live.revision === 0;
    case ConditionKind.exists:
      return live.revision !== 0;
    case ConditionKind.revisionEquals:
      return live.revision === check.conditionRevision;
    case ConditionKind.valueEquals:
      return live.value !== undefined && equalBytes(readStoredValue(live.value).value, check.value);
    default:
      return unreachable(condition, 'condition kind');
  }
}
