import { EMPTY_BYTES, rangeId, utf8 } from '@holdfast/io';
import { Tree } from '@holdfast/lsm';
import { SimDisk } from '@holdfast/sim';
import { readTransactionAnswer } from '@holdfast/wire';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REVISION_EPOCH_MS, revisionOfWallMs } from '../hybrid-clock.ts';
import { dataKey, expiryKeyOf } from '../tree-keys.ts';
import { type AppliedMark, decodeAppliedMark } from './applied-mark.ts';
import { CommandBuilder, CommandReader, ConditionKind } from './command.ts';
import type { MutationOutcome, MutationVerdict } from './outcome.ts';
import { type MutationSink, StateMachine } from './state-machine.ts';
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
  condition: fc.constantFrom(
    ConditionKind.none,
    ConditionKind.absent,
    ConditionKind.exists,
    ConditionKind.revisionEquals,
  ),
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
  it(
    'decides every condition as a map of revisions does, also inside one command',
    { timeout: 30_000 },
    async () => {
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
                applied: (op, at) => {
                  expect(op).toBe(verdicts.length);
                  verdicts.push(['applied', at]);
                },
                settled: (op, { verdict, revision: at }) => {
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
    },
  );

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
      { applied: () => verdicts.push('applied'), settled: (_op, { verdict }) => verdicts.push(verdict) },
    );
    expect(pending).toBeInstanceOf(Promise);
    await pending;
    expect(verdicts).toEqual(['applied', 'applied', 'condition-failed']);
    expect((await reopened.get(dataKey(1, utf8('b'))))?.revision).toBe(6);
    await reopened.close();
  });

  it(
    'decides transactions as a map does: all checks against the state before, then one list of steps',
    { timeout: 30_000 },
    async () => {
      const step = fc.record({
        key: fc.nat(2),
        kind: fc.constantFrom('put', 'delete', 'increment', 'get'),
        number: fc.constantFrom(1, -5, Number.MAX_SAFE_INTEGER, 'text'),
      });
      const check = fc.record({
        key: fc.nat(2),
        condition: fc.constantFrom(ConditionKind.absent, ConditionKind.exists, ConditionKind.valueEquals),
        value: fc.constantFrom('1', '-5', 'text'),
      });
      const transactions = fc.array(
        fc.record({
          checks: fc.array(check, { maxLength: 2 }),
          success: fc.array(step, { minLength: 1, maxLength: 4 }),
          failure: fc.array(step, { maxLength: 2 }),
        }),
        { minLength: 1, maxLength: 8 },
      );
      await fc.assert(
        fc.asyncProperty(transactions, async (list) => {
          const tree = await newTree();
          const machine = new StateMachine(tree, RANGE);
          let model = new Map<number, string>();
          const builder = new CommandBuilder();
          const expected: string[] = [];
          for (const { checks, success, failure } of list) {
            builder.transaction(checks.length, success.length, failure.length);
            const failed = checks.findIndex(({ key, condition, value }) => {
              const live = model.get(key);
              if (condition === ConditionKind.absent) return live !== undefined;
              return condition === ConditionKind.exists ? live === undefined : live !== value;
            });
            for (const { key, condition, value } of checks) {
              const wanted = condition === ConditionKind.valueEquals ? utf8(value) : EMPTY_BYTES;
              builder.check(1, utf8(`key-${key}`), condition, 0, wanted);
            }
            const after = new Map(model);
            const seen: string[] = [];
            let isNumber = true;
            for (const [branch, steps] of [success, failure].entries()) {
              for (const { key, kind, number } of steps) {
                const name = utf8(`key-${key}`);
                const delta = typeof number === 'number' ? number : 2;
                if (kind === 'put') builder.put(1, name, EMPTY_BYTES, utf8(String(number)), 0);
                else if (kind === 'delete') builder.delete(1, name);
                else if (kind === 'increment') builder.increment(1, name, delta);
                else builder.get(1, name);
                if ((branch === 0) !== failed < 0) continue;
                seen.push(kind === 'get' ? (after.get(key) ?? '') : String(after.has(key)));
                if (kind === 'put') after.set(key, String(number));
                if (kind === 'delete') after.delete(key);
                if (kind !== 'increment') continue;
                const sum = Number(after.get(key) ?? '0') + delta;
                isNumber &&= Number.isSafeInteger(sum);
                after.set(key, String(sum));
              }
            }
            if (isNumber) model = after;
            expected.push(isNumber ? `applied ${failed} ${seen.join()}` : 'not-integer');
          }
          const heard: string[] = [];
          const kinds = list.map(({ success, failure }) => ({ success, failure }));
          await machine.apply(
            new CommandReader(builder.finish(100)),
            { index: 1, term: 1, revision: 300 },
            sinkOf((_op, { verdict, payload, succeeded }) => {
              if (verdict !== 'applied') {
                heard.push(verdict);
                return;
              }
              const { success, failure } = kinds[heard.length];
              const { failedCheck, results } = readTransactionAnswer(payload);
              expect(succeeded).toBe(failedCheck === undefined);
              const seen = results.map(({ found, value }, i) =>
                (succeeded ? success : failure)[i].kind === 'get' ? textOf(value) : String(found),
              );
              heard.push(`applied ${failedCheck ?? -1} ${seen.join()}`);
            }),
          );
          expect(heard).toEqual(expected);
          for (const key of [0, 1, 2]) {
            const found = await tree.get(dataKey(1, utf8(`key-${key}`)));
            const value = found === undefined ? undefined : textOf(readStoredValue(found.value).value);
            expect(value).toBe(model.get(key));
          }
          await tree.close();
        }),
        { numRuns: 150 },
      );
    },
  );

  it('gives every step of a transaction the same revision, and counts in JSON', async () => {
    const tree = await newTree();
    const machine = new StateMachine(tree, RANGE);
    const builder = new CommandBuilder();
    builder.put(1, utf8('other'), EMPTY_BYTES, utf8('x'), 0);
    builder.transaction(0, 2, 0);
    builder.increment(1, utf8('n'), 5);
    builder.increment(1, utf8('n'), -7);
    builder.increment(1, utf8('n'), 1);
    const heard: unknown[] = [];
    await machine.apply(
      new CommandReader(builder.finish(50)),
      { index: 1, term: 1, revision: 54 },
      {
        applied: (...answer) => heard.push(answer),
        settled: (op, { revision, counter, existed }) => heard.push([op, revision, counter, existed]),
      },
    );
    expect(heard).toEqual([
      [0, 50],
      [1, 51, 0, false],
      [4, 54, -1, true],
    ]);
    expect((await tree.get(dataKey(1, utf8('n')), 53))?.revision).toBe(51);
    const found = await tree.get(dataKey(1, utf8('n')));
    expect(textOf(readStoredValue(found!.value).value)).toBe('-1');
    await tree.close();
  });

  it('does once what carries a key, and gives the first answer again, also after a restart', async () => {
    const disk = new SimDisk({ seed: 1 });
    let tree = await newTree(disk);
    const { counter, again, other } = onceCommands();
    expect(await settledBy(new StateMachine(tree, RANGE), counter(10), 1)).toEqual([
      'applied 11 5 false',
      // In the same command, before the tree shows the first one.
      'applied 11 5 true',
    ]);
    await tree.flush();
    await tree.close();
    tree = await newTree(disk);
    const machine = new StateMachine(tree, RANGE);
    expect(await settledBy(machine, again(20), 2)).toEqual(['applied 11 5 true']);
    expect(await settledBy(machine, other(30), 3)).toEqual(['key-reused 0 0 false']);
    const found = await tree.get(dataKey(1, utf8('n')));
    expect(textOf(readStoredValue(found!.value).value)).toBe('5');
    // The record goes after its time, and with it the memory.
    const late = revisionOfWallMs(RECORD_EXPIRES_MS);
    expect(await settledBy(machine, again(late), 4)).toEqual([`applied ${late + 1} 10 false`]);
    await tree.close();
  });

  it('remembers refusals too: a condition that held later changes no first answer', async () => {
    const tree = await newTree();
    const machine = new StateMachine(tree, RANGE);
    const command = (revision: number): Uint8Array => {
      const builder = new CommandBuilder();
      builder.once(utf8('op'), new Uint8Array(8), RECORD_EXPIRES_MS);
      builder.put(1, utf8('a'), EMPTY_BYTES, utf8('1'), 0, ConditionKind.exists, 0);
      return builder.finish(revision);
    };
    expect(await settledBy(machine, command(10), 1)).toEqual(['condition-failed 0 0 false']);
    const put = new CommandBuilder();
    put.put(1, utf8('a'), EMPTY_BYTES, utf8('0'), 0);
    await settledBy(machine, put.finish(20), 2);
    expect(await settledBy(machine, command(30), 3)).toEqual(['condition-failed 0 0 true']);
    await tree.close();
  });

  it('takes what has expired by the time of the entry as absent, and removes it when it is told to', async () => {
    const tree = await newTree();
    const machine = new StateMachine(tree, RANGE);
    const dueMs = REVISION_EPOCH_MS + 1000;
    const due = revisionOfWallMs(dueMs);
    const put = (expiresAtMs: number, revision: number, condition: ConditionKind): Uint8Array => {
      const builder = new CommandBuilder();
      builder.put(1, utf8('a'), EMPTY_BYTES, utf8('x'), expiresAtMs, condition);
      return builder.finish(revision);
    };
    await settledBy(machine, put(dueMs, 10, ConditionKind.none), 1);
    const key = dataKey(1, utf8('a'));
    const expire = (revision: number): Uint8Array => {
      const builder = new CommandBuilder();
      builder.expire(expiryKeyOf(RANGE, dueMs, key), 10);
      return builder.finish(revision);
    };
    expect(await settledBy(machine, put(0, due - 1, ConditionKind.absent), 2)).toEqual([
      'condition-failed 10 0 false',
    ]);
    // Too early: an entry of before that time removes nothing.
    await settledBy(machine, expire(due - 1), 3);
    expect((await tree.get(key))?.revision).toBe(10);
    expect(await settledBy(machine, put(0, due, ConditionKind.exists), 4)).toEqual([
      'condition-failed 0 0 false',
    ]);
    await settledBy(machine, expire(due + 1), 5);
    expect(await tree.get(key)).toBeUndefined();
    expect(await tree.get(expiryKeyOf(RANGE, dueMs, key))).toBeUndefined();
    // A newer version stays, whatever an old entry says.
    await settledBy(machine, put(0, due + 10, ConditionKind.absent), 6);
    await settledBy(machine, expire(due + 20), 7);
    expect((await tree.get(key))?.revision).toBe(due + 10);
    await tree.close();
  });

  it('deletes a range in steps, and says where to go on', async () => {
    const tree = await newTree();
    const machine = new StateMachine(tree, RANGE);
    const builder = new CommandBuilder();
    for (let i = 0; i < 25; i++)
      builder.put(1, utf8(`k${String(i).padStart(2, '0')}`), EMPTY_BYTES, utf8('x'), 0);
    await settledBy(machine, builder.finish(100), 1);
    const steps: string[] = [];
    let from = utf8('k05');
    for (let index = 2; from.length > 0; index++) {
      const command = new CommandBuilder();
      command.deleteRange(1, from, dataKey(1, utf8('k20')), 10);
      const mark: AppliedMark = { index, term: 1, revision: 100 + index * 10 };
      await machine.apply(
        new CommandReader(command.finish(100 + index * 10)),
        mark,
        sinkOf((_op, { counter, payload }) => {
          steps.push(`${counter} ${textOf(payload)}`);
          from = payload;
        }),
      );
    }
    expect(steps).toEqual(['10 k15', '5 ']);
    let left = 0;
    for await (const _ of tree.scan({ start: dataKey(1, EMPTY_BYTES), end: dataKey(2, EMPTY_BYTES) })) left++;
    expect(left).toBe(10);
    await tree.close();
  });
});

const RECORD_EXPIRES_MS = REVISION_EPOCH_MS + 60_000;

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function sinkOf(settled: (op: number, outcome: MutationOutcome) => void): MutationSink {
  return { applied: () => undefined, settled };
}

/** What is heard of the ops that look at something. */
async function settledBy(
  machine: StateMachine,
  command: Uint8Array,
  index: number,
): Promise<readonly string[]> {
  const heard: string[] = [];
  const reader = new CommandReader(command);
  await machine.apply(
    reader,
    { index, term: 1, revision: reader.lastRevision },
    sinkOf((_op, { verdict, revision, counter, replayed }) =>
      heard.push(`${verdict} ${revision} ${counter} ${replayed}`),
    ),
  );
  return heard;
}

function onceCommands(): Record<'counter' | 'again' | 'other', (revision: number) => Uint8Array> {
  const add = (builder: CommandBuilder, delta: number, fingerprint: number): void => {
    builder.once(utf8('op-1'), new Uint8Array(8).fill(fingerprint), RECORD_EXPIRES_MS);
    builder.increment(1, utf8('n'), delta);
  };
  const finished = (revision: number, fill: (builder: CommandBuilder) => void): Uint8Array => {
    const builder = new CommandBuilder();
    fill(builder);
    return builder.finish(revision);
  };
  return {
    counter: (revision) =>
      finished(revision, (builder) => {
        add(builder, 5, 1);
        add(builder, 5, 1);
      }),
    again: (revision) => finished(revision, (builder) => add(builder, 5, 1)),
    other: (revision) => finished(revision, (builder) => add(builder, 6, 2)),
  };
}
