import { assert, EMPTY_BYTES, type NodeId, nodeId, viewOf } from '@holdfast/io';

/** One step of a configuration change. */
export interface ConfChangeStep {
  /**
   * `add-voter` promotes a learner; `add-learner` adds one, or demotes a voter; `remove` takes a member out.
   */
  readonly action: 'add-voter' | 'add-learner' | 'remove';
  readonly node: NodeId;
}

/**
 * How the group gets from one configuration to the next.
 * - `auto`: in one step when at most one voter is added, removed or demoted (any two majorities then share a
 *   node, thesis 4.1); else through a joint configuration that the leader leaves by itself.
 * - `joint`: always through a joint configuration that the leader leaves by itself.
 * - `joint-stay`: through a joint configuration that lasts until somebody proposes `LEAVE_JOINT`.
 */
export type ConfChangeTransition = 'auto' | 'joint' | 'joint-stay';

/** The data of an entry of kind `confChange`. */
export interface ConfChange {
  /** Empty: leave the joint configuration. A node appears at most once. */
  readonly steps: readonly ConfChangeStep[];
  readonly transition: ConfChangeTransition;
  /** Opaque to Raft: for example addresses. */
  readonly context: Uint8Array;
}

/** Ends a joint configuration. */
export const LEAVE_JOINT: ConfChange = { steps: [], transition: 'auto', context: EMPTY_BYTES };

const FORMAT = 1;
const HEADER_BYTES = 4;
const STEP_BYTES = 5;
const ACTIONS = ['add-voter', 'add-learner', 'remove'] as const;
const TRANSITIONS = ['auto', 'joint', 'joint-stay'] as const;

/**
 * Part of the log format, little-endian:
 *
 *     u8 format = 1 | u8 transition | u16 steps | steps x (u8 action, u32 node) | context to the end
 */
export function encodeConfChange(change: ConfChange): Uint8Array {
  const { steps, context } = change;
  assert(steps.length < 0x10000, 'a configuration change has fewer than 65536 steps');
  const bytes = new Uint8Array(HEADER_BYTES + steps.length * STEP_BYTES + context.length);
  const view = viewOf(bytes);
  view.setUint8(0, FORMAT);
  view.setUint8(1, TRANSITIONS.indexOf(change.transition));
  view.setUint16(2, steps.length, true);
  let offset = HEADER_BYTES;
  for (const step of steps) {
    view.setUint8(offset, ACTIONS.indexOf(step.action));
    view.setUint32(offset + 1, step.node, true);
    offset += STEP_BYTES;
  }
  bytes.set(context, offset);
  return bytes;
}

/** @throws AssertionError when the bytes are not a configuration change: log and wire have checked their checksums. */
export function decodeConfChange(bytes: Uint8Array): ConfChange {
  assert(bytes.length >= HEADER_BYTES, 'a configuration change has a header');
  const view = viewOf(bytes);
  const transition = TRANSITIONS[view.getUint8(1)];
  const end = HEADER_BYTES + view.getUint16(2, true) * STEP_BYTES;
  assert(view.getUint8(0) === FORMAT, 'the format of a configuration change is known');
  assert(transition !== undefined && end <= bytes.length, 'a configuration change is whole');
  const steps: ConfChangeStep[] = [];
  for (let offset = HEADER_BYTES; offset < end; offset += STEP_BYTES) {
    const action = ACTIONS[view.getUint8(offset)];
    assert(action !== undefined, 'the action of a configuration change is known');
    steps.push({ action, node: nodeId(view.getUint32(offset + 1, true)) });
  }
  return { steps, transition, context: bytes.slice(end) };
}
