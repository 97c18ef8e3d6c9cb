import { nodeId, utf8 } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextRepairStep, REPAIR_RETRY_TICKS, type Span, touches, unclaimed } from './repair-plan.ts';

const LEADER = nodeId(2);
const DUE = REPAIR_RETRY_TICKS;

describe('the next step of a repair', () => {
  it.each([
    [
      'a leader gives its leadership away',
      { isLeader: true, leader: nodeId(1), ticksWaited: DUE },
      'hand-over',
    ],
    ['a follower asks the leader', { isLeader: false, leader: LEADER, ticksWaited: DUE }, 'ask'],
    [
      'nobody can be asked while no leader is known',
      { isLeader: false, leader: 0, ticksWaited: DUE },
      'wait',
    ],
    ['an answer is waited for', { isLeader: false, leader: LEADER, ticksWaited: DUE - 1 }, 'wait'],
    ['an heir is waited for', { isLeader: true, leader: nodeId(1), ticksWaited: 0 }, 'wait'],
  ] as const)('%s', (_, replica, kind) => {
    expect(nextRepairStep(replica).kind).toBe(kind);
  });
});

const letter = fc.integer({ min: 0, max: 25 });
const span = fc
  .tuple(letter, letter)
  .filter(([a, b]) => a !== b)
  .map(([a, b]): Span => ({ start: at(Math.min(a, b)), end: at(Math.max(a, b)) }));

function at(position: number): Uint8Array {
  return utf8(String.fromCharCode(97 + position));
}

describe('keys of a span that no range claims', () => {
  it('are those in the span and in none of the ranges, key by key', () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 3 }), fc.array(span, { maxLength: 4 }), (spans, held) => {
        const left = unclaimed(spans, held);
        for (let position = 0; position < 26; position++) {
          const key = { start: at(position), end: utf8(`${String.fromCharCode(97 + position)}\0`) };
          const has = (parts: readonly Span[]): boolean => parts.some((part) => touches(part, key));
          expect(has(left)).toBe(has(spans) && !has(held));
        }
      }),
    );
  });
});
