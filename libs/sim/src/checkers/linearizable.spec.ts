import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { History, type Operation, type RegisterCall, type RegisterResult } from './history.ts';
import { checkObject, checkRegisters, registerModel } from './linearizable.ts';

/** `1 put a [2 5]`-like lines: process, call, and the numbers of invocation and completion. */
function history(text: string): Operation[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [, process, call, result, invoked, completed] =
        /^\s*(\d+) (.+?) -> (.+?) \[(\d+) (\d+|-)\]$/.exec(line)!;
      const [kind, a, b] = call.split(' ');
      return {
        process: Number(process),
        key: 'k',
        call: (kind === 'cas'
          ? { kind, expected: a === 'none' ? undefined : a, value: b }
          : { kind, value: a }) as RegisterCall,
        invoked: Number(invoked),
        startUs: 0,
        completed: completed === '-' ? Number.POSITIVE_INFINITY : Number(completed),
        endUs: 0,
        outcome: result === '?' ? 'info' : 'ok',
        result: resultOf(result),
      };
    });
}

function resultOf(text: string): RegisterResult | undefined {
  if (text === '?') return undefined;
  if (text === 'done' || text === 'mismatch') return { kind: text };
  return { kind: 'value', value: text === 'none' ? undefined : text };
}

const verdict = (text: string) => checkRegisters(history(text)).verdict;

describe('checkRegisters on histories with a known verdict', () => {
  it.each([
    [
      'sequential',
      'ok',
      '1 put a -> done [1 2]\n1 get -> a [3 4]\n1 delete -> done [5 6]\n1 get -> none [7 8]',
    ],
    ['stale read', 'violation', '1 put a -> done [1 2]\n1 put b -> done [3 4]\n2 get -> a [5 6]'],
    ['lost write', 'violation', '1 put a -> done [1 2]\n2 get -> none [3 4]'],
    ['value from nowhere', 'violation', '2 get -> z [3 4]'],
    ['value from the future', 'violation', '2 get -> a [1 2]\n1 put a -> done [3 4]'],
    [
      'read during a write sees old or new',
      'ok',
      '1 put a -> done [1 6]\n2 get -> none [2 3]\n2 get -> a [4 5]',
    ],
    [
      'new then old during one write',
      'violation',
      '1 put a -> done [1 6]\n2 get -> a [2 3]\n2 get -> none [4 5]',
    ],
    [
      'two readers disagree on order',
      'violation',
      '1 put a -> done [1 10]\n2 put b -> done [2 11]\n3 get -> a [12 13]\n4 get -> b [14 15]',
    ],
    ['unknown write seen late', 'ok', '1 put a -> ? [1 2]\n2 get -> none [3 4]\n2 get -> a [5 6]'],
    [
      'unknown write seen and unseen',
      'violation',
      '1 put a -> ? [1 2]\n2 get -> a [3 4]\n2 get -> none [5 6]',
    ],
    ['unknown write never seen', 'ok', '1 put a -> ? [1 2]\n2 get -> none [3 4]'],
    [
      'unknown write happens once',
      'violation',
      '1 put a -> ? [1 2]\n2 get -> a [3 4]\n2 put b -> done [5 6]\n2 get -> a [7 8]',
    ],
    [
      'unknown delete explains absence',
      'ok',
      '1 put a -> done [1 2]\n1 delete -> ? [3 4]\n2 get -> a [5 6]\n2 get -> none [7 8]',
    ],
    [
      'compare and set',
      'ok',
      '1 cas none a -> done [1 2]\n2 cas a b -> done [3 4]\n1 cas a c -> mismatch [5 6]\n1 get -> b [7 8]',
    ],
    [
      'both of two comparisons win',
      'violation',
      '1 put a -> done [1 2]\n1 cas a b -> done [3 6]\n2 cas a c -> done [4 5]',
    ],
    ['mismatch without a reason', 'violation', '1 put a -> done [1 2]\n1 cas a b -> mismatch [3 4]'],
    [
      'mismatch explained by an unknown write',
      'ok',
      '1 put a -> done [1 2]\n2 put z -> ? [2 -]\n1 cas a b -> mismatch [3 4]',
    ],
    [
      'unknown compare and set applied',
      'ok',
      '1 put a -> done [1 2]\n2 cas a b -> ? [3 -]\n1 get -> b [5 6]',
    ],
    [
      'unknown compare and set cannot apply',
      'violation',
      '1 put a -> done [1 2]\n2 cas x b -> ? [3 -]\n1 get -> b [5 6]',
    ],
    [
      'deleted value comes back',
      'violation',
      '1 put a -> done [1 2]\n1 delete -> done [3 4]\n2 get -> a [5 6]',
    ],
  ])('%s: %s', (_, expected, text) => {
    expect(verdict(text)).toBe(expected);
  });

  it('names the operation it cannot explain', () => {
    const result = checkRegisters(history('1 put a -> done [1 2]\n1 put b -> done [3 4]\n2 get -> a [5 6]'));
    expect(result.stuckAt?.invoked).toBe(5);
  });

  it('gives up within its bound', () => {
    const writes = Array.from({ length: 14 }, (_, i) => `${i} put v${i} -> done [${i + 1} ${i + 50}]`);
    const reads = Array.from(
      { length: 4 },
      (_, i) => `${i + 20} get -> v${i % 2} [${i * 2 + 100} ${i * 2 + 101}]`,
    );
    expect(checkRegisters(history([...writes, ...reads].join('\n')), 500).verdict).toBe('unknown');
  });

  it('survives many unknown writes', () => {
    const lines = ['0 put a -> done [1 2]'];
    for (let i = 0; i < 60; i++) lines.push(`${i} put v${i} -> ? [${i + 3} -]`);
    for (let i = 0; i < 60; i++) lines.push(`99 get -> v${i} [${100 + 2 * i} ${101 + 2 * i}]`);
    expect(verdict(lines.join('\n'))).toBe('ok');
    lines.push('99 get -> v3 [300 301]');
    expect(verdict(lines.join('\n'))).toBe('violation');
  });
});

/** Runs calls against a real register at random instants within their intervals: linearizable by making. */
const linearizable = fc
  .array(
    fc.record({
      process: fc.nat(4),
      kind: fc.constantFrom('get', 'put', 'delete', 'cas'),
      guess: fc.nat(6),
      span: fc.nat(6),
      fate: fc.constantFrom('ok', 'ok', 'ok', 'lost', 'applied'),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((steps) => {
    let state: string | undefined;
    return steps.map(({ process, kind, guess, span, fate }, i): Operation => {
      const value = `v${i}`;
      const expected = guess === 0 ? undefined : guess < 4 ? state : `v${guess}`;
      const call = (
        kind === 'cas' ? { kind, expected, value } : kind === 'put' ? { kind, value } : { kind }
      ) as RegisterCall;
      let result: RegisterResult = kind === 'get' ? { kind: 'value', value: state } : { kind: 'done' };
      if (fate !== 'lost') {
        if (kind === 'put') state = value;
        if (kind === 'delete') state = undefined;
        if (kind === 'cas' && state !== expected) result = { kind: 'mismatch' };
        else if (kind === 'cas') state = value;
      }
      const at = 100 * i + 50;
      const operation = { process, key: 'k', call, startUs: 0, endUs: 0, invoked: at - 100 * span };
      const known = fate === 'ok';
      return {
        ...operation,
        completed: at + 100 * span + 1,
        outcome: known ? 'ok' : 'info',
        result: known ? result : undefined,
      };
    });
  });

/** Every order of the operations, the slow and obvious way. */
function bruteForce(operations: readonly Operation[]): boolean {
  const place = (left: readonly Operation[], state: string): boolean => {
    const definite = left.filter(({ outcome }) => outcome === 'ok');
    if (definite.length === 0) return true;
    const deadline = Math.min(...definite.map(({ completed }) => completed));
    return left.some((operation) => {
      if (operation.invoked > deadline) return false;
      const next = registerModel.step(
        state,
        operation.call,
        operation.outcome === 'ok' ? operation.result : undefined,
      );
      return (
        next !== undefined &&
        place(
          left.filter((other) => other !== operation),
          next,
        )
      );
    });
  };
  return place(operations, registerModel.initial);
}

describe('checkRegisters on generated histories', () => {
  it('accepts what a real register did', () => {
    fc.assert(
      fc.property(linearizable, (operations) => checkRegisters(operations).verdict === 'ok'),
      { numRuns: 500 },
    );
  });

  it('agrees with brute force on mutated histories', () => {
    let violations = 0;
    fc.assert(
      fc.property(linearizable, fc.nat(), fc.nat(), (operations, which, value) => {
        const few = operations.slice(0, 8);
        const reads = few.filter(({ call, outcome }) => call.kind === 'get' && outcome === 'ok');
        const victim = reads[which % Math.max(1, reads.length)];
        if (victim !== undefined)
          victim.result = { kind: 'value', value: value % 4 === 0 ? undefined : `v${value % 8}` };
        const expected = bruteForce(few) ? 'ok' : 'violation';
        if (expected === 'violation') violations++;
        expect(checkRegisters(few).verdict).toBe(expected);
        expect(checkObject(few, registerModel).verdict).toBe(expected);
      }),
      { numRuns: 500 },
    );
    expect(violations).toBeGreaterThan(30);
  });
});

describe('History', () => {
  it('numbers events in one sequence and exports them as JSON lines', () => {
    let now = 10;
    const recorded = new History(() => now);
    const put = recorded.invoke(1, 'k', { kind: 'put', value: 'a' });
    now = 20;
    const get = recorded.invoke(2, 'k', { kind: 'get' });
    recorded.ok(get, { kind: 'value', value: 'a' });
    recorded.info(put);
    recorded.invoke(3, 'k', { kind: 'get' });
    expect([...recorded.lines()]).toEqual([
      '{"index":1,"type":"invoke","process":1,"key":"k","op":{"kind":"put","value":"a"},"start":10}',
      '{"index":2,"type":"invoke","process":2,"key":"k","op":{"kind":"get"},"start":20}',
      '{"index":3,"type":"ok","process":2,"key":"k","op":{"kind":"get"},"value":{"kind":"value","value":"a"},"start":20,"end":20}',
      '{"index":4,"type":"info","process":1,"key":"k","op":{"kind":"put","value":"a"},"start":10,"end":20}',
      '{"index":5,"type":"invoke","process":3,"key":"k","op":{"kind":"get"},"start":20}',
    ]);
    expect(recorded.count('open')).toBe(1);
  });
});
