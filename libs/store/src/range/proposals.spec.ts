import type { MutationVerdict } from './state-machine.ts';
import { EMPTY_BYTES, utf8 } from '@holdfast/io';
import type { Entry } from '@holdfast/raft';
import { describe, expect, it } from 'vitest';
import { ConditionKind } from './command.ts';
import { Proposals, type WriteFailure, type WriteWaiter } from './proposals.ts';

class Waiter implements WriteWaiter {
  readonly heard: string[] = [];

  mutated(op: number, verdict: MutationVerdict, revision: number): void {
    this.heard.push(`${op} ${verdict} ${revision}`);
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
    const proposals = new Proposals();
    const waiter = new Waiter();
    propose(proposals, waiter, 5, 2);
    proposals.take(entryAt(5, 2))!.mutated(0, 'applied', 100, 0);
    expect(waiter.heard).toEqual(['0 applied 100']);
    expect(proposals.take(entryAt(5, 2))).toBeUndefined();
  });

  it('calls a displaced proposal not applied only when its index is committed', () => {
    const proposals = new Proposals();
    const [first, second] = [new Waiter(), new Waiter()];
    propose(proposals, first, 5, 2);
    // Leader again in term 4, without the entry of term 2, which some other replica still has.
    propose(proposals, second, 5, 4);
    expect(first.heard).toEqual([]);
    // And that replica won in between: the oldest proposal is the one that was committed after all.
    proposals.take(entryAt(5, 2))!.mutated(0, 'applied', 100, 0);
    expect(first.heard).toEqual(['0 applied 100']);
    expect(second.heard).toEqual(['0 superseded']);
  });

  it('tells everyone at once when the leader refuses', () => {
    const proposals = new Proposals();
    const waiter = new Waiter();
    proposals.next(waiter, 7).delete(1, utf8('k'), ConditionKind.none, 0);
    proposals.submit(
      () => 1,
      () => ({ accepted: false, failure: 'not-leader' }),
    );
    expect(waiter.heard).toEqual(['7 not-leader']);
  });

  it('never claims to know what a snapshot has jumped over', () => {
    const proposals = new Proposals();
    const [covered, later] = [new Waiter(), new Waiter()];
    propose(proposals, covered, 5, 2);
    propose(proposals, later, 9, 2);
    proposals.abandonUpTo(8);
    expect(covered.heard).toEqual(['0 stopped']);
    proposals.abandon();
    expect(later.heard).toEqual(['0 stopped']);
  });
});
