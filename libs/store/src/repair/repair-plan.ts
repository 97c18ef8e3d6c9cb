import { compareBytes, type NodeId } from '@holdfast/io';

/** Keys `[start, end)`. */
export interface Span {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/** What decides about a damaged replica. */
export interface DamagedReplica {
  readonly isLeader: boolean;
  /** 0 when unknown. */
  readonly leader: NodeId | 0;
  /** Ticks since this replica asked for a sound copy, or gave its leadership away; infinite: it never has. */
  readonly ticksWaited: number;
}

export type RepairStep =
  | { readonly kind: 'wait' }
  /** Who leads is the one who sends copies, and its own is damaged. */
  | { readonly kind: 'hand-over' }
  | { readonly kind: 'ask'; readonly leader: NodeId };

/** Ticks after which a step that led to nothing is tried again. A transfer that is under way is not begun anew. */
export const REPAIR_RETRY_TICKS = 40;

const WAIT: RepairStep = { kind: 'wait' };

/** The next step towards a sound copy. */
export function nextRepairStep({ isLeader, leader, ticksWaited }: DamagedReplica): RepairStep {
  if (ticksWaited < REPAIR_RETRY_TICKS) return WAIT;
  if (isLeader) return { kind: 'hand-over' };
  return leader === 0 ? WAIT : { kind: 'ask', leader };
}

/** Parts of `spans` that lie in none of `held`: nobody reads them, so nothing is lost with them. */
export function unclaimed(spans: readonly Span[], held: readonly Span[]): readonly Span[] {
  return spans.flatMap((span) => held.reduce<readonly Span[]>(without, [span]));
}

export function touches(a: Span, b: Span): boolean {
  return compareBytes(a.start, b.end) < 0 && compareBytes(b.start, a.end) < 0;
}

function without(parts: readonly Span[], hole: Span): readonly Span[] {
  return parts.flatMap((part) => {
    if (!touches(part, hole)) return [part];
    const rest: Span[] = [];
    if (compareBytes(part.start, hole.start) < 0) rest.push({ start: part.start, end: hole.start });
    if (compareBytes(hole.end, part.end) < 0) rest.push({ start: hole.end, end: part.end });
    return rest;
  });
}
