import { assert } from '@holdfast/io';
import { type CommandReader, ConditionKind, MutationKind } from './command.ts';

/** One op of a unit, as views into its command. */
export interface Step {
  readonly kind: MutationKind;
  readonly key: Uint8Array;
  /** Of a put: what is stored. Of a check: what `valueEquals` compares with. */
  readonly value: Uint8Array;
  /** Of an increment. */
  readonly delta: number;
  readonly condition: ConditionKind;
  readonly conditionRevision: number;
  /** Whoever waits wants to know whether the key had a value. */
  readonly tells: boolean;
}

/** That a unit happens once, and under which name. */
export interface Once {
  readonly key: Uint8Array;
  readonly fingerprint: Uint8Array;
  readonly recordExpiresAtMs: number;
}

/** What is decided together: all of it happens at one revision, or nothing. */
export interface Unit {
  /** Position in the command of the op that is answered. */
  readonly op: number;
  readonly kind: MutationKind;
  readonly revision: number;
  readonly once: Once | undefined;
  readonly checks: readonly Step[];
  readonly success: readonly Step[];
  readonly failure: readonly Step[];
}

/** The unit that the reader stands on; the reader ends on its last op. */
export function readUnit(command: CommandReader): Unit {
  const once = readOnce(command);
  const { index: op, kind, revision } = command;
  if (kind === MutationKind.transaction) {
    const [checks, success, failure] = command.stepCounts;
    return {
      op,
      kind,
      revision,
      once,
      checks: readSteps(command, checks),
      success: readSteps(command, success),
      failure: readSteps(command, failure),
    };
  }
  const step = readStep(command);
  const checks = step.condition === ConditionKind.none ? [] : [step];
  return { op, kind, revision, once, checks, success: [step], failure: [] };
}

function readOnce(command: CommandReader): Once | undefined {
  if (command.kind !== MutationKind.once) return undefined;
  const { key, fingerprint, recordExpiresAtMs } = command;
  const more = command.next();
  assert(more, 'an op follows in the same command');
  return { key, fingerprint, recordExpiresAtMs };
}

function readSteps(command: CommandReader, count: number): readonly Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < count; i++) {
    const more = command.next();
    assert(more, 'a transaction ends inside its command');
    steps.push(readStep(command));
  }
  return steps;
}

function readStep(command: CommandReader): Step {
  const { kind, key, value, conditionKind: condition, conditionRevision, tells } = command;
  const delta = kind === MutationKind.increment ? command.delta : 0;
  return { kind, key, value, delta, condition, conditionRevision, tells };
}
