import { assert, type NodeId } from '@holdfast/io';
import type { Entry } from '@holdfast/raft';
import type { CommandBuilder } from './command.ts';
import type { CommandBuilders } from './command-builders.ts';
import type { MutationOutcome } from './outcome.ts';
import type { MutationSink } from './state-machine.ts';

/** Why a mutation was refused before it could have any effect, or why nobody can tell. */
export type WriteFailure = 'not-leader' | 'overloaded' | 'superseded' | 'unwanted' | 'stopped';

/** Someone who waits for mutations; told exactly once per op of his request. */
export interface WriteWaiter extends MutationSink {
  /**
   * None of these had an effect, except `stopped`: then the outcome is unknown.
   * @param leader with `not-leader`: who may lead, 0 when nobody here knows
   */
  failed(op: number, failure: WriteFailure, leader: NodeId | 0): void;
  /** Whether somebody still waits for the op, so that it is worth an entry; always when this is absent. */
  wants?(op: number): boolean;
}

/** A command under construction, with who waits for each of its ops. */
class OpenCommand {
  readonly builder: CommandBuilder;
  readonly waiters: WriteWaiter[] = [];
  /** For each op of the command: its number in the waiter's request. */
  readonly requestOps: number[] = [];
  /** It takes no further op. */
  sealed = false;

  constructor(builder: CommandBuilder) {
    this.builder = builder;
  }
}

/** A command in the log that is not applied yet. */
class Proposal implements MutationSink {
  readonly term: number;
  readonly #waiters: readonly WriteWaiter[];
  readonly #requestOps: readonly number[];

  constructor(term: number, waiters: readonly WriteWaiter[], requestOps: readonly number[]) {
    this.term = term;
    this.#waiters = waiters;
    this.#requestOps = requestOps;
  }

  get ops(): number {
    return this.#waiters.length;
  }

  applied(op: number, revision: number): void {
    this.#waiters[op].applied(this.#requestOps[op], revision);
  }

  settled(op: number, outcome: MutationOutcome): void {
    this.#waiters[op].settled(this.#requestOps[op], outcome);
  }

  fail(failure: WriteFailure, leader: NodeId | 0 = 0): void {
    for (let op = 0; op < this.#waiters.length; op++) {
      const waiter = this.#waiters[op];
      const requestOp = this.#requestOps[op];
      // An op of a request may be several of the command, one behind the other.
      const same = op > 0 && this.#waiters[op - 1] === waiter && this.#requestOps[op - 1] === requestOp;
      if (!same) waiter.failed(requestOp, failure, leader);
    }
  }
}

const NO_PROPOSALS: readonly Proposal[] = [];

/** What Raft said to a proposed command. */
export type ProposeResult =
  | { readonly accepted: true; readonly index: number; readonly term: number }
  | { readonly accepted: false; readonly failure: WriteFailure; readonly leader: NodeId | 0 };

/**
 * The mutations of one range between their arrival and their verdict: first collected into commands, then
 * waiting under the index at which the log holds them.
 */
export class Proposals {
  readonly #open: OpenCommand[] = [];
  #openOps = 0;
  /**
   * By index, in order of terms. Several terms of this node can have proposed at one index: as long as nothing
   * is committed there, even the oldest may still come back with a leader that has it.
   */
  readonly #inLog = new Map<number, readonly Proposal[]>();
  #inLogOps = 0;
  readonly #builders: CommandBuilders;

  constructor(builders: CommandBuilders) {
    this.#builders = builders;
  }

  get hasOpen(): boolean {
    return this.#open.length > 0;
  }

  /** Mutations that are collected and not proposed. */
  get openOps(): number {
    return this.#openOps;
  }

  /** Mutations that were proposed and have no verdict. */
  get inLogOps(): number {
    return this.#inLogOps;
  }

  /**
   * Where the next op of a request belongs. The caller adds exactly `ops` ops to the builder, in this turn.
   * @param alone the command holds nothing else
   */
  next(waiter: WriteWaiter, requestOp: number, ops = 1, alone = false): CommandBuilder {
    let command = this.#open.at(-1);
    if (command === undefined || command.sealed || alone || !command.builder.takes(ops)) {
      command = new OpenCommand(this.#builders.take());
      command.sealed = alone;
      this.#open.push(command);
    }
    for (let op = 0; op < ops; op++) {
      this.#openOps++;
      command.waiters.push(waiter);
      command.requestOps.push(requestOp);
    }
    return command.builder;
  }

  /** Closes what was collected in this turn and proposes it, one entry per command. */
  submit(stamp: (ops: number) => number, propose: (command: Uint8Array) => ProposeResult): void {
    const commands = this.#open.splice(0);
    this.#openOps = 0;
    for (const { builder, waiters, requestOps } of commands) {
      // While the log was busy every caller has been told that the time is up, or has gone: it need not happen any more.
      // They hear of it all the same: what is kept of their requests goes.
      if (waiters.every((waiter, op) => waiter.wants?.(requestOps[op]) === false)) {
        new Proposal(0, waiters, requestOps).fail('unwanted');
        continue;
      }
      const result = propose(builder.finish(stamp(waiters.length)));
      this.#builders.giveBack(builder);
      if (result.accepted) {
        const rivals = this.#inLog.get(result.index) ?? [];
        assert(
          rivals.every((rival) => rival.term < result.term),
          'one command per index and term',
        );
        this.#inLog.set(result.index, [...rivals, new Proposal(result.term, waiters, requestOps)]);
        this.#inLogOps += waiters.length;
      } else {
        new Proposal(0, waiters, requestOps).fail(result.failure, result.leader);
      }
    }
  }

  /**
   * The proposal that the committed `entry` carries, or undefined when nobody here waits for it. Proposals of
   * other terms at its index can never be applied any more: their waiters hear so, and not before.
   */
  take(entry: Entry): MutationSink | undefined {
    const proposals = this.#remove(entry.index);
    for (const proposal of proposals) if (proposal.term !== entry.term) proposal.fail('superseded');
    return proposals.find((proposal) => proposal.term === entry.term);
  }

  /** Gives up on what a snapshot has jumped over: applied or not, nobody here can tell. */
  abandonUpTo(index: number): void {
    for (const at of this.#inLog.keys()) {
      if (at > index) continue;
      for (const proposal of this.#remove(at)) proposal.fail('stopped');
    }
  }

  /** Gives up on everything: the node stops. */
  abandon(): void {
    this.#openOps = 0;
    for (const { waiters, requestOps } of this.#open.splice(0)) {
      new Proposal(0, waiters, requestOps).fail('not-leader');
    }
    const waiting = [...this.#inLog.values()].flat();
    this.#inLog.clear();
    this.#inLogOps = 0;
    for (const proposal of waiting) proposal.fail('stopped');
  }

  #remove(index: number): readonly Proposal[] {
    const proposals = this.#inLog.get(index);
    if (proposals === undefined) return NO_PROPOSALS;
    this.#inLog.delete(index);
    for (const { ops } of proposals) this.#inLogOps -= ops;
    return proposals;
  }
}
