import { nodeId, type RangeId, rangeId } from '@holdfast/io';
import {
  changeConfiguration,
  type ConfChange,
  type ConfState,
  confStateOf,
  isJoint,
  LEAVE_JOINT,
} from '@holdfast/raft';
import {
  cancelChange,
  decodeMembership,
  finishChange,
  type Membership,
  type MemberRecord,
} from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { readConfRevision } from '../range/conf-revision.ts';
import type { WriteWaiter } from '../range/proposals.ts';
import type { Replica } from '../range/replica.ts';
import { Reconciler } from './reconciler.ts';
import type { Roster } from './roster.ts';

const [META, DATA] = [rangeId(1), rangeId(2)];
const nodes = (...ids: number[]) => ids.map(nodeId);

/** A range whose changes are applied as soon as they are proposed, and what all its leaders share of it. */
class Range {
  readonly id: RangeId;
  conf: ConfState;
  confRevision = 0;
  readonly changes: ConfChange[] = [];

  constructor(id: RangeId, ...voters: number[]) {
    this.id = id;
    this.conf = confStateOf(nodes(...voters));
  }

  apply(change: ConfChange): void {
    this.changes.push(change);
    this.conf = changeConfiguration(this.conf, change) as ConfState;
    if (isJoint(this.conf)) this.conf = changeConfiguration(this.conf, LEAVE_JOINT) as ConfState;
    this.confRevision = Math.max(this.confRevision, readConfRevision(change.context));
  }
}

/** One node that has read the record at `revision`, and leads `leads`. */
class Member {
  readonly written: Membership[] = [];
  readonly #reconciler: Reconciler;
  readonly roster: { membership: Membership; revision: number };

  constructor(ranges: readonly Range[], leads: readonly Range[], membership: Membership, revision: number) {
    this.roster = { membership, revision };
    const replicas = ranges.map((range) => [range.id, this.#replica(range, leads.includes(range))] as const);
    this.#reconciler = new Reconciler({
      electionTicks: 2,
      replicas: new Map(replicas),
      roster: this.roster as Roster,
      storageOf: () => 0,
      isConfDurable: () => true,
      flush: () => undefined,
      wake: () => undefined,
    });
  }

  look(): this {
    for (let tick = 0; tick < 40; tick++) this.#reconciler.tick();
    return this;
  }

  #replica(range: Range, isLeader: boolean): Replica {
    const peers = nodes(1, 2, 3, 4).map((id) => ({ id, silentTicks: 0 }));
    return {
      id: range.id,
      isLeader,
      leadTicks: 100,
      rouse: () => undefined,
      get descriptor() {
        return { conf: range.conf, confRevision: range.confRevision };
      },
      raft: {
        id: nodeId(1),
        status: () => ({ peers }),
        proposeConfChange: (change: ConfChange) => {
          range.apply(change);
          return { ok: true };
        },
      },
      mutation: (waiter: WriteWaiter) => ({
        put: (...fields: readonly unknown[]) => {
          this.written.push(decodeMembership(fields[3] as Uint8Array));
          waiter.applied(0, 0);
        },
      }),
    } as unknown as Replica;
  }
}

function membershipOf(states: Readonly<Record<number, MemberRecord['state']>>): Membership {
  const records = Object.entries(states).map(([id, state]) => {
    return { id: nodeId(Number(id)), address: `10.0.0.${id}:1`, state, storage: 7 };
  });
  return { nodes: records, removed: [], ranges: [META, DATA] };
}

const JOINING = membershipOf({ 1: 'voter', 2: 'voter', 3: 'voter', 4: 'joining' });

describe('the reconciler', () => {
  it('moves a range by the record, and writes down in the range which one that was', () => {
    const range = new Range(DATA, 1, 2, 3);
    new Member([range], [range], JOINING, 10).look();
    expect(range.conf).toEqual(confStateOf(nodes(1, 2, 3, 4)));
    expect(range.confRevision).toBe(10);
  });

  it('leaves a range alone that was moved by a later record: it would bring back who was taken out', () => {
    for (const id of [META, DATA]) {
      const range = new Range(id, 1, 2, 3);
      const late = new Member([range], [range], JOINING, 10);
      // Another leader knew that the change was taken back, before this one did anything.
      new Member([range], [range], cancelChange(JOINING), 20).look();
      expect(range.conf).toEqual(confStateOf(nodes(1, 2, 3)));
      late.look();
      expect(range.conf).toEqual(confStateOf(nodes(1, 2, 3)));
      // It acts again when it has read the record.
      Object.assign(late.roster, { membership: JOINING, revision: 30 });
      late.look();
      expect(range.conf).toEqual(confStateOf(nodes(1, 2, 3, 4)));
    }
  });

  it('closes a change when every range has it from its record, also one that need not move', () => {
    const [meta, data] = [new Range(META, 1, 2, 3), new Range(DATA, 1, 2, 3)];
    const cancelled = cancelChange(JOINING);
    const ofMeta = new Member([meta, data], [meta], cancelled, 20).look();
    // The leader of the other range may still go by the record before, and take 4 in.
    expect(ofMeta.written).toEqual([]);
    new Member([data], [data], JOINING, 10).look();
    expect(data.conf.voters).toContain(nodeId(4));
    expect(ofMeta.look().written).toEqual([]);
    new Member([data], [data], cancelled, 20).look();
    expect([data.conf, data.confRevision]).toEqual([confStateOf(nodes(1, 2, 3)), 20]);
    expect(ofMeta.look().written[0]).toEqual(finishChange(cancelled));
    const before = data.changes.length;
    new Member([data], [data], JOINING, 10).look();
    expect(data.changes).toHaveLength(before);
  });

  it('confirms a range once, by a change that changes nothing, and only while a change is under way', () => {
    const range = new Range(DATA, 1, 2, 3);
    const member = new Member([range], [range], cancelChange(JOINING), 20).look().look();
    expect(range.changes.map(({ steps }) => steps)).toEqual([[{ action: 'add-voter', node: 1 }]]);
    Object.assign(member.roster, { membership: finishChange(cancelChange(JOINING)), revision: 30 });
    member.look();
    expect(range.changes).toHaveLength(1);
  });
});
