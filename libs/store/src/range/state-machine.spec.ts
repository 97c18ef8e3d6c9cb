import { rangeId, utf8 } from '@holdfast/io';
import { Tree } from '@holdfast/lsm';
import { SimDisk } from '@holdfast/sim';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataKey } from '../tree-keys.ts';
import { type AppliedMark, decodeAppliedMark } from './applied-mark.ts';
import { CommandBuilder, CommandReader, ConditionKind } from './command.ts';
import { type MutationVerdict, StateMachine } from './state-machine.ts';
import { readStoredValue } from './stored-value.ts';

const RANGE = rangeId(2);

interface Mutation {
  readonly key: number;
  readonly put: boolean;
  readonly condition: ConditionKind;
  /** With `revisionEquals`: how far the wanted revision is from the right one. */
  readonly off: number;
}

const mutations: fc.Arbitrary<Mutation> = fc.record({
  key: fc.nat(3),
  put: fc.boolean(),
  condition: fc.constantFrom(...Object.values(ConditionKind)),
  off: fc.constantFrom(0, 0, 1),
});

function holds(mutation: Mutation, live: number, wanted: number): boolean {
  switch (mutation.condition) {
    case ConditionKind.none:
      return true;
    case ConditionKind.absent:
      return live === 0;
    case ConditionKind.exists:
      return live !== 0;
    default:
      return live === wanted;
  }
}

async function newTree(disk = new SimDisk({ seed: 1 })): Promise<Tree> {
  return Tree.open({ disk, directory: '/tree' });
}

describe('StateMachine', () => {
  it('decides every condition as a map of revisions does, also inside one command', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(mutations, { minLength: 1, maxLength: 6 }), { maxLength: 8 }),
        fc.boolean(),
        async (commands, flush) => {
          const tree = await newTree();
          const machine = new StateMachine(tree, RANGE);
          const model = new Map<number, number>();
          let revision = 10;
          for (const [i, command] of commands.entries()) {
            const builder = new CommandBuilder();
            const expected: [MutationVerdict, number][] = [];
            for (const [op, mutation] of command.entries()) {
              const live = model.get(mutation.key) ?? 0;
              const wanted = live + mutation.off;
              const key = utf8(`key-${mutation.key}`);
              if (mutation.put)
                builder.put(1, key, utf8(''), utf8(`${revision + op}`), 0, mutation.condition, wanted);
              else builder.delete(1, key, mutation.condition, wanted);
              if (holds(mutation, live, wanted)) {
                model.set(mutation.key, mutation.put ? revision + op : 0);
                expected.push(['applied', revision + op]);
              } else {
                expected.push(['condition-failed', live]);
              }
            }
            const verdicts: [MutationVerdict, number][] = [];
            const mark: AppliedMark = { index: i + 1, term: 1, revision };
            await machine.apply(new CommandReader(builder.finish(revision)), mark, {
              mutated: (op, verdict, at) => {
                expect(op).toBe(verdicts.length);
                verdicts.push([verdict, at]);
              },
            });
            expect(verdicts).toEqual(expected);
            expect(decodeAppliedMark(tree.mark(RANGE)!).index).toBe(i + 1);
            revision += command.length;
            if (flush) await tree.flush();
          }
          for (const [key, live] of model) {
            const found = await tree.get(dataKey(1, utf8(`key-${key}`)));
            expect(found?.revision ?? 0).toBe(live);
            if (found !== undefined) expect(readStoredValue(found.value).value).toEqual(utf8(`${live}`));
          }
          await tree.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('decides conditions on blocks that have to be read from disk', async () => {
    const disk = new SimDisk({ seed: 1, map: 'none' });
    const tree = await newTree(disk);
    const machine = new StateMachine(tree, RANGE);
    const first = new CommandBuilder();
    first.put(1, utf8('a'), utf8(''), utf8('1'), 0, ConditionKind.none, 0);
    await machine.apply(new CommandReader(first.finish(5)), { index: 1, term: 1, revision: 5 }, undefined);
    await tree.flush();
    await tree.close();
    const reopened = await newTree(disk);
    const again = new StateMachine(reopened, RANGE);
    const second = new CommandBuilder();
    second.put(1, utf8('b'), utf8(''), utf8('x'), 0, ConditionKind.none, 0);
    second.put(1, utf8('a'), utf8(''), utf8('2'), 0, ConditionKind.revisionEquals, 5);
    second.put(1, utf8('b'), utf8(''), utf8('y'), 0, ConditionKind.absent, 0);
    const verdicts: MutationVerdict[] = [];
    const pending = again.apply(
      new CommandReader(second.finish(6)),
      { index: 2, term: 1, revision: 8 },
      { mutated: (_op, verdict) => verdicts.push(verdict) },
    );
    expect(pending).toBeInstanceOf(Promise);
    await pending;
    expect(verdicts).toEqual(['applied', 'applied', 'condition-failed']);
    expect((await reopened.get(dataKey(1, utf8('b'))))?.revision).toBe(6);
    await reopened.close();
  });

  it('decides transactions as a map does: all conditions against the state before, then all or nothing', async () => {
    const step = fc.record({
      key: fc.nat(2),
      kind: fc.constantFrom('put', 'delete', 'increment', 'check'),
      condition: fc.constantFrom(ConditionKind.none, ConditionKind.absent, ConditionKind.exists),
      number: fc.constantFrom(1, -5, Number.MAX_SAFE_INTEGER, 'text'),
    });
    const transactions = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), {
      minLength: 1,
      maxLength: 10,
    });
    await fc.assert(
      fc.asyncProperty(transactions, async (list) => {
        const tree = await newTree();
        const machine = new StateMachine(tree, RANGE);
        let model = new Map<number, string>();
        const builder = new CommandBuilder();
        const expected: string[] = [];
        for (const steps of list) {
          const after = new Map(model);
          let verdict: 'applied' | 'condition' | 'number' = 'applied';
          for (const { key, condition } of steps) {
            if (condition === ConditionKind.absent && model.has(key)) verdict = 'condition';
            if (condition === ConditionKind.exists && !model.has(key)) verdict = 'condition';
          }
          for (const [i, { key, kind, condition, number }] of steps.entries()) {
            const name = utf8(`key-${key}`);
            if (kind === 'put') {
              builder.put(1, name, utf8(''), utf8(String(number)), 0, condition, 0);
              after.set(key, String(number));
            } else if (kind === 'delete') {
              builder.delete(1, name, condition, 0);
              after.delete(key);
            } else if (kind === 'increment') {
              const delta = typeof number === 'number' ? number : 2;
              builder.increment(1, name, delta, condition, 0);
              const sum = Number(after.get(key) ?? '0') + delta;
              if (!Number.isSafeInteger(sum) && verdict === 'applied') verdict = 'number';
              after.set(key, String(sum));
            } else {
              builder.check(1, name, condition, 0);
            }
            if (i < steps.length - 1) builder.chain();
          }
          if (verdict === 'applied') model = after;
          for (const _ of steps) expected.push(verdict === 'applied' ? 'applied' : 'refused');
        }
        const verdicts: string[] = [];
        await machine.apply(
          new CommandReader(builder.finish(100)),
          { index: 1, term: 1, revision: 200 },
          {
            mutated: (_op, verdict) => verdicts.push(verdict === 'applied' ? 'applied' : 'refused'),
          },
        );
        expect(verdicts).toEqual(expected);
        for (const key of [0, 1, 2]) {
          const found = await tree.get(dataKey(1, utf8(`key-${key}`)));
          const text =
            found === undefined ? undefined : new TextDecoder().decode(readStoredValue(found.value).value);
          expect(text).toBe(model.get(key));
        }
        await tree.close();
      }),
      { numRuns: 150 },
    );
  });

  it('gives every op of a transaction the same revision, and counts in JSON', async () => {
    const tree = await newTree();
    const machine = new StateMachine(tree, RANGE);
    const builder = new CommandBuilder();
    builder.put(1, utf8('other'), utf8(''), utf8('x'), 0, ConditionKind.none, 0);
    builder.increment(1, utf8('n'), 5, ConditionKind.absent, 0);
    builder.chain();
    builder.increment(1, utf8('n'), -7, ConditionKind.none, 0);
    const heard: unknown[] = [];
    await machine.apply(
      new CommandReader(builder.finish(50)),
      { index: 1, term: 1, revision: 52 },
      {
        mutated: (...answer) => heard.push(answer),
      },
    );
    expect(heard).toEqual([
      [0, 'applied', 50, 0],
      [1, 'applied', 51, 5],
      [2, 'applied', 51, -2],
    ]);
    const found = await tree.get(dataKey(1, utf8('n')));
    expect(new TextDecoder().decode(readStoredValue(found!.value).value)).toBe('-2');
    await tree.close();
  });
});
