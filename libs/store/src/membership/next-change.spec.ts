import { nodeId } from '@holdfast/io';
import { changeConfiguration, type ConfState, confStateOf, isJoint, LEAVE_JOINT } from '@holdfast/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSettled, nextConfChange } from './next-change.ts';

const nodes = (...ids: number[]) => ids.map(nodeId);
const everybody = (): boolean => true;

describe('nextConfChange', () => {
  it('adds learners first, then swaps all votes in one joint change', () => {
    const wanted = nodes(1, 4, 5);
    const first = nextConfChange(confStateOf(nodes(1, 2, 3)), wanted, everybody);
    expect(first?.steps).toEqual([
      { action: 'add-learner', node: 4 },
      { action: 'add-learner', node: 5 },
    ]);
    const learning = confStateOf(nodes(1, 2, 3), nodes(4, 5));
    const second = nextConfChange(learning, wanted, everybody);
    expect(second?.steps).toEqual([
      { action: 'add-voter', node: 4 },
      { action: 'add-voter', node: 5 },
      { action: 'remove', node: 2 },
      { action: 'remove', node: 3 },
    ]);
    expect(isJoint(changeConfiguration(learning, second!) as ConfState)).toBe(true);
  });

  it('takes nobody out while those who stay are no majority', () => {
    const conf = confStateOf(nodes(1, 2, 3));
    expect(nextConfChange(conf, nodes(1, 2), (node) => node === 1)).toBeUndefined();
    expect(nextConfChange(conf, nodes(1, 2), everybody)?.steps).toEqual([{ action: 'remove', node: 3 }]);
  });

  it('drops a learner that is not wanted any more', () => {
    const conf = confStateOf(nodes(1, 2, 3), nodes(4));
    expect(nextConfChange(conf, nodes(1, 2, 3), everybody)?.steps).toEqual([{ action: 'remove', node: 4 }]);
  });

  it('keeps those who listen as learners, takes their votes, and drops them when they need not listen any more', () => {
    const wanted = nodes(1, 2, 4);
    const learning = confStateOf(nodes(1, 2, 3), nodes(4));
    const swap = nextConfChange(learning, wanted, everybody, nodes(3));
    expect(swap?.steps).toEqual([
      { action: 'add-voter', node: 4 },
      { action: 'add-learner', node: 3 },
    ]);
    const joint = changeConfiguration(learning, swap!) as ConfState;
    const listening = changeConfiguration(joint, LEAVE_JOINT) as ConfState;
    expect(listening).toEqual(confStateOf(wanted, nodes(3)));
    expect(nextConfChange(listening, wanted, everybody, nodes(3))).toBeUndefined();
    expect(nextConfChange(listening, wanted, everybody)?.steps).toEqual([{ action: 'remove', node: 3 }]);
  });

  it('lets somebody listen who was no member, and leaves nobody a majority that is not heard', () => {
    const conf = confStateOf(nodes(1, 2, 3));
    const wanted = nodes(1, 2, 3);
    expect(nextConfChange(conf, wanted, everybody, nodes(4))?.steps).toEqual([
      { action: 'add-learner', node: 4 },
    ]);
    expect(nextConfChange(conf, nodes(1, 2), (node) => node === 1, nodes(3))).toBeUndefined();
  });

  it('waits while a joint configuration is being left, and when all is well', () => {
    const joint = { ...confStateOf(nodes(1, 4)), votersOutgoing: nodes(1, 2), autoLeave: true };
    expect(nextConfChange(joint, nodes(1, 4), everybody)).toBeUndefined();
    expect(nextConfChange(confStateOf(nodes(1, 2)), nodes(1, 2), everybody)).toBeUndefined();
  });

  it('reaches every wanted configuration from every other within a few changes', () => {
    const ids = fc.uniqueArray(fc.constantFrom(...nodes(1, 2, 3, 4, 5, 6, 7)), {
      minLength: 1,
      maxLength: 7,
    });
    fc.assert(
      fc.property(ids, fc.array(ids, { minLength: 1, maxLength: 4 }), (start, goals) => {
        let conf: ConfState = confStateOf(start);
        for (const goal of goals) {
          const wanted = goal.toSorted((a, b) => a - b);
          for (let changes = 0; !isSettled(conf, wanted); changes++) {
            expect(changes).toBeLessThan(4);
            const change = isJoint(conf) ? LEAVE_JOINT : nextConfChange(conf, wanted, everybody);
            const next = changeConfiguration(conf, change!);
            expect(next).toBeTypeOf('object');
            conf = next as ConfState;
          }
        }
      }),
    );
  });
});
