import { nodeId, rangeId, utf8 } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import {
  beginChange,
  cancelChange,
  decodeMembership,
  encodeMembership,
  finishChange,
  isChanging,
  type Membership,
  type MemberRecord,
  wantedVoters,
} from './membership.ts';

const member = (id: number, state: MemberRecord['state'] = 'voter'): MemberRecord => ({
  id: nodeId(id),
  address: `10.0.0.${id}:7711`,
  state,
  storage: id * 1000,
});
const THREE: Membership = {
  nodes: [member(1), member(2), member(3)],
  removed: [nodeId(9)],
  ranges: [rangeId(1), rangeId(2)],
};
const newcomer = (id: number) => ({ id: nodeId(id), address: `10.0.0.${id}:7711` });
const statesOf = ({ nodes }: Membership): string => nodes.map(({ id, state }) => `${id} ${state}`).join(', ');

describe('the membership of a cluster', () => {
  it('survives its encoding', () => {
    expect(decodeMembership(encodeMembership(THREE))).toEqual(THREE);
    expect(() => decodeMembership(utf8('{"nodes":1}'))).toThrow('HF_CORRUPTION');
  });

  it('replaces a node in one change', () => {
    const begun = beginChange(THREE, { add: [newcomer(4)], remove: [nodeId(2)] });
    expect(statesOf(begun)).toBe('1 voter, 2 leaving, 3 voter, 4 joining');
    expect(isChanging(begun)).toBe(true);
    expect(wantedVoters(begun)).toEqual([1, 3, 4]);
    const over = finishChange(begun);
    expect(statesOf(over)).toBe('1 voter, 3 voter, 4 voter');
    expect(over.removed).toEqual([2, 9]);
    expect(isChanging(over)).toBe(false);
  });

  it('takes a change back: who came goes for good, who was to go stays', () => {
    const begun = beginChange(THREE, { add: [newcomer(4)], remove: [nodeId(2)] });
    const cancelled = cancelChange(begun);
    expect(statesOf(cancelled)).toBe('1 voter, 2 voter, 3 voter, 4 leaving');
    // Nobody has heard of node 4: cancelling twice does not make it a member.
    expect(statesOf(cancelChange(cancelled))).toBe('1 voter, 2 voter, 3 voter, 4 leaving');
    expect(finishChange(cancelled).removed).toEqual([4, 9]);
    expect(() => cancelChange(THREE)).toThrow('no change');
  });

  it('refuses a second change while one runs', () => {
    const begun = beginChange(THREE, { remove: [nodeId(2)] });
    expect(() => beginChange(begun, { remove: [nodeId(3)] })).toThrow('HF_CONFLICT');
  });

  it.each([
    ['nothing', {}],
    ['a member that is one', { add: [newcomer(2)] }],
    ['an id that was removed before', { add: [newcomer(9)] }],
    ['an id that is none', { add: [{ id: nodeId(0), address: 'a:1' }] }],
    ['an address that is taken', { add: [{ id: nodeId(4), address: '10.0.0.1:7711' }] }],
    ['an address that is none', { add: [{ id: nodeId(4), address: 'somewhere' }] }],
    ['the same node twice', { add: [newcomer(4), newcomer(4)] }],
    ['a stranger to remove', { remove: [nodeId(7)] }],
    ['everybody to remove', { remove: [nodeId(1), nodeId(2), nodeId(3)] }],
    ['who comes and goes at once', { add: [newcomer(4)], remove: [nodeId(4)] }],
    ['more nodes than a range has replicas', { add: Array.from({ length: 30 }, (_, i) => newcomer(10 + i)) }],
  ])('refuses %s', (_, change) => {
    expect(() => beginChange(THREE, change)).toThrow('HF_BAD_REQUEST');
  });
});
