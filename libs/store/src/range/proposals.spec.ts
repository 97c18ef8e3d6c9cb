import { APPLIED, type MutationOutcome } from './outcome.ts';
import { EMPTY_BYTES, utf8 } from '@holdfast/io';
import type { Entry } from '@holdfast/raft';
import { describe, expect, it } from 'vitest';
import { COMMAND_OPS_MAX, ConditionKind } from './command.ts';
import { CommandBuilders } from './command-builders.ts';
import { Proposals, type WriteFailure, type WriteWaiter } from './proposals.ts';

class Waiter implements WriteWaiter {
  readonly heard: string[] = [];
  /** Ops that nobody waits for any more. */
  readonly gone = new Set<number>();

  applied(op: number, revision: number): void {
    this.heard.push(`${op} applied ${revision}`);
  }

  settled(op: number, { verdict, revision }: MutationOutcome): void {
    this.heard.push(`${op} ${verdict} ${revision}`);
  }

  wants(op: number): boolean {
    return !this.gone.has(op);
  }

  failed(op: number, failure: WriteFailure): void {
    this.heard.push(`${op} ${failure}`);
  }
}

function entryAt(index: number, term: number): Entry {
  return { index, term, kind: 0, data: EMPTY_BYTES };
}

function propose(proposals: Proposals, waiter: Waiter, index: number, term: number): void {
  proposals.next(waiter, 0).put(1, utf8('k'), EMPTY_BYTES, EMPTY_BYTES, 0, ConditionKind.none, 0);
  proposals.submit(
    () => 100,
    () => ({ accepted: true, index, term }),
  );
}

describe('Proposals', () => {
  it('hands the verdict to who proposed what was committed', () => {
    const proposals = new Proposals(new CommandBuilders());
    const waiter = new Waiter();
    propose(proposals, waiter, 5, 2);
    proposals.take(entryAt(5, 2))!.applied(0, 100);
    expect(waiter.heard).toEqual(['0 applied 100']);
    expect(proposals.take(entryAt(5, 2))).toBeUndefined();
  });

  it('calls a displaced proposal not applied only when its index is committed', () => {
    const proposals = new Proposals(new CommandBuilders());
    const [first, second] = [new Waiter(), new Waiter()];
    propose(proposals, first, 5, 2);
    // Leader again in term 4, without the entry of term 2, which some other replica still has.
    propose(proposals, second, 5, 4);
    expect(first.heard).toEqual([]);
    // And that replica won in between: the oldest proposal is the one that was committed after all.
    proposals.take(entryAt(5, 2))!.applied(0, 100);
    expect(first.heard).toEqual(['0 applied 100']);
    expect(second.heard).toEqual(['0 superseded']);
  });

  it('proposes nothing that nobody waits for any more, and everything beside what somebody waits for', () => {
    const proposals = new Proposals(new CommandBuilders());
    const waiter = new Waiter();
    const proposed: number[] = [];
    const collect = (ops: readonly number[]): void => {
      for (const op of ops) proposals.next(waiter, op).delete(1, utf8('k'), ConditionKind.none, 0);
      proposals.submit(
        (count) => proposed.push(count),
        () => ({ accepted: false, failure: 'not-leader', leader: 0 }),
      );
    };
    waiter.gone.add(1).add(2);
    collect([1, 2]);
    expect([proposed, waiter.heard, proposals.openOps]).toEqual([[], ['1 unwanted', '2 unwanted'], 0]);
    collect([1, 2, 3]);
    expect(proposed).toEqual([3]);
  });

  it('tells everyone at once when the leader refuses', () => {
    const proposals = new Proposals(new CommandBuilders());
    const waiter = new Waiter();
    proposals.next(waiter, 7).delete(1, utf8('k'), ConditionKind.none, 0);
    proposals.submit(
      () => 1,
      () => ({ accepted: false, failure: 'not-leader', leader: 0 }),
    );
    expect(waiter.heard).toEqual(['7 not-leader']);
  });

  it('tells a request of several ops once, and gives it one command', () => {
    const proposals = new Proposals(new CommandBuilders());
    const waiter = new Waiter();
    const filler = new Waiter();
    for (let op = 0; op < COMMAND_OPS_MAX - 2; op++) proposals.next(filler, op).delete(1, utf8('k'));
    const builder = proposals.next(waiter, 7, 3);
    builder.transaction(1, 1, 0);
    builder.check(1, utf8('k'), ConditionKind.absent, 0, EMPTY_BYTES);
    builder.delete(1, utf8('k'));
    expect(builder.ops).toBe(3);
    const alone = proposals.next(waiter, 8, 1, true);
    alone.deleteRange(1, utf8('a'), utf8('b'), 10);
    const behind = proposals.next(waiter, 9);
    expect(behind).not.toBe(alone);
    behind.delete(1, utf8('k'));
    let index = 4;
    proposals.submit(
      () => 100,
      () => ({ accepted: true, index: ++index, term: 1 }),
    );
    expect(index).toBe(8);
    proposals.take(entryAt(6, 1))!.settled(0, { ...APPLIED, revision: 5 });
    expect(waiter.heard).toEqual(['7 applied 5']);
    proposals.abandon();
    expect(waiter.heard).toEqual(['7 applied 5', '8 stopped', '9 stopped']);
  });

  it('never claims to know what a snapshot has jumped over', () => {
    const proposals = new Proposals(new CommandBuilders());
    const [covered, later] = [new Waiter(), new Waiter()];
    propose(proposals, covered, 5, 2);
    propose(proposals, later, 9, 2);
    proposals.abandonUpTo(8);
    expect(covered.heard).toEqual(['0 stopped']);
    proposals.abandon();
    expect(later.heard).toEqual(['0 stopped']);
  });
});
