import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkListAppend, type ListStep, type ListTransaction } from './list-append.ts';

/** `ax1 ry[2,3]` appends 1 to x and reads y. Transactions overlap unless given times. */
function transaction(
  text: string,
  invoked = 0,
  completed = 1000,
  outcome: ListTransaction['outcome'] = 'ok',
) {
  const steps = text.split(' ').map((step): ListStep => {
    const [, kind, key, rest] = /^([ar])(\w)(.*)$/.exec(step)!;
    if (kind === 'a') return { kind: 'append', key, value: Number(rest) };
    const values = rest.slice(1, -1);
    return { kind: 'read', key, values: values === '' ? [] : values.split(',').map(Number) };
  });
  return { process: 0, steps, outcome, invoked, completed };
}

const found = (...transactions: readonly ListTransaction[]) =>
  checkListAppend(transactions).map(({ name }) => name);

describe('checkListAppend on histories with a known verdict', () => {
  it('accepts a serial history', () => {
    expect(
      found(
        transaction('ax1', 1, 2),
        transaction('rx[1] ax2', 3, 4),
        transaction('ax3 rx[1,2,3]', 5, 6),
        transaction('ry[] rx[1,2,3]', 7, 8),
      ),
    ).toEqual([]);
  });

  it('G0: two transactions write each other around', () => {
    expect(found(transaction('ax1 ay1'), transaction('ax2 ay2'), transaction('rx[1,2] ry[2,1]'))).toContain(
      'G0',
    );
  });

  it('G1a: a value of a failed transaction, or of nobody, is read', () => {
    expect(found(transaction('ax1', 0, 9, 'fail'), transaction('rx[1]'))).toContain('G1a');
    expect(found(transaction('rx[7]'))).toContain('G1a');
  });

  it('G1b: half a transaction is read', () => {
    expect(found(transaction('ax1 ax2'), transaction('rx[1]'), transaction('rx[1,2]'))).toContain('G1b');
  });

  it('G1c: two transactions read from each other', () => {
    expect(found(transaction('ax1 ry[2]'), transaction('ay2 rx[1]'))).toEqual(['G1c']);
  });

  it('G-single: one transaction sees another in one place and not in the other', () => {
    expect(found(transaction('ax1 ay1'), transaction('rx[1] ry[]'), transaction('ry[1]'))).toEqual([
      'G-single',
    ]);
  });

  it('G2: write skew', () => {
    expect(found(transaction('rx[] ay1'), transaction('ry[] ax1'), transaction('rx[1] ry[1]'))).toEqual([
      'G2',
    ]);
  });

  it('realtime: a transaction that began later sees an older state', () => {
    expect(found(transaction('ax1', 1, 2), transaction('rx[]', 3, 4), transaction('rx[1]', 5, 6))).toEqual([
      'G-single-realtime',
    ]);
  });

  it('internal: a transaction does not see its own append', () => {
    expect(found(transaction('ax1 rx[]'), transaction('rx[1]'))).toContain('internal');
  });

  it('incompatible-order, duplicate-append and lost-append', () => {
    expect(
      found(transaction('ax1'), transaction('ax2'), transaction('rx[1,2]'), transaction('rx[2]')),
    ).toContain('incompatible-order');
    expect(found(transaction('ax1'), transaction('rx[1,1]'))).toContain('duplicate-append');
    expect(found(transaction('ax1', 1, 2), transaction('rx[]', 3, 4))).toContain('lost-append');
  });

  it('an unknown transaction may have happened', () => {
    expect(found(transaction('ax1', 1, 2, 'info'), transaction('rx[1]', 3, 4))).toEqual([]);
    expect(found(transaction('ax1', 1, 2, 'info'), transaction('rx[]', 3, 4))).toEqual([]);
  });
});

describe('checkListAppend on generated histories', () => {
  const plan = fc.array(
    fc.record({
      steps: fc.array(fc.record({ append: fc.boolean(), key: fc.constantFrom('x', 'y', 'z') }), {
        minLength: 1,
        maxLength: 4,
      }),
      lasts: fc.nat(3),
    }),
    { minLength: 1, maxLength: 40 },
  );

  /** Executes the plan one transaction after the other; each is given an interval around its instant. */
  function execute(steps: ReturnType<(typeof plan)['generate']>['value']): ListTransaction[] {
    const lists = new Map<string, number[]>();
    let value = 0;
    return steps.map(({ steps: wanted, lasts }, i) => ({
      process: i,
      outcome: 'ok',
      invoked: 100 * i - 100 * lasts,
      completed: 100 * i + 50,
      steps: wanted.map(({ append, key }): ListStep => {
        const list = lists.get(key) ?? [];
        lists.set(key, list);
        if (!append) return { kind: 'read', key, values: [...list] };
        list.push(++value);
        return { kind: 'append', key, value };
      }),
    }));
  }

  it('accepts what was executed one by one', () => {
    fc.assert(
      fc.property(plan, (steps) => checkListAppend(execute(steps)).length === 0),
      { numRuns: 300 },
    );
  });

  it('finds a read that misses the newest of several values', () => {
    let broken = 0;
    fc.assert(
      fc.property(plan, (steps) => {
        const history = execute(steps.map((step) => ({ ...step, lasts: 0 })));
        for (const one of history) {
          const at = one.steps.findIndex(
            (step, i) =>
              step.kind === 'read' &&
              (step.values?.length ?? 0) > 1 &&
              !one.steps.slice(0, i).some(({ key }) => key === step.key),
          );
          const step = one.steps[at];
          if (step?.kind !== 'read') continue;
          broken++;
          const stale = { ...step, values: step.values?.slice(0, -1) };
          const changed = { ...one, steps: one.steps.with(at, stale) };
          // Without another read nobody knows that the value was ever there: then it counts as lost.
          expect(checkListAppend(history.map((other) => (other === one ? changed : other)))).not.toEqual([]);
          return;
        }
      }),
      { numRuns: 300 },
    );
    expect(broken).toBeGreaterThan(20);
  });
});
