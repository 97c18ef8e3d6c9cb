import { describe, expect, it } from 'vitest';
import { type CycleCall, cycleProblems, type CycleResult, type Ring } from './cycle.ts';
import { History } from './history.ts';

const RING = [1, 2, 3, 0];
/** Node 1 has moved behind node 2. */
const SWAPPED = [2, 3, 1, 0];

class Log {
  readonly history = new History<CycleCall, CycleResult>(() => 0);

  open(): void {
    this.history.ok(this.history.invoke(1, '', { kind: 'open' }), { kind: 'done' });
  }

  swap(node: number) {
    return this.history.invoke(1, '', { kind: 'swap', node });
  }

  swapped(node: number, swaps: number): void {
    this.history.ok(this.swap(node), { kind: 'swapped', swaps });
  }

  saw(next: Ring, swaps: number): void {
    this.history.ok(this.history.invoke(2, '', { kind: 'read' }), { kind: 'ring', next, swaps });
  }

  problems(next: Ring, swaps: number): readonly string[] {
    return cycleProblems(this.history.operations, { next, swaps });
  }
}

describe('cycleProblems accepts', () => {
  it('a ring that stays one, before and after it is made', () => {
    const log = new Log();
    log.saw([undefined, undefined, undefined, undefined], 0);
    log.open();
    log.saw(RING, 0);
    log.swapped(0, 1);
    log.saw(SWAPPED, 1);
    expect(log.problems(SWAPPED, 1)).toEqual([]);
  });

  it('a swap of unknown outcome, done or not', () => {
    const log = new Log();
    log.open();
    log.history.info(log.swap(0));
    expect(log.problems(RING, 0)).toEqual([]);
    expect(log.problems(SWAPPED, 1)).toEqual([]);
  });

  it('a ring that nobody could make', () => {
    expect(new Log().problems([undefined, undefined], 0)).toEqual([]);
  });
});

describe('cycleProblems refuses', () => {
  it.each([
    ['two rings', [1, 0, 3, 2], 'closes after 2 nodes'],
    ['a loop beside the first node', [1, 2, 1, 0], 'does not come back'],
    ['a node without a successor', [1, undefined, 3, 0], 'node 1 has no successor'],
    ['a ring that is gone', [undefined, undefined, undefined, undefined], 'the ring is gone'],
  ] as const)('%s, seen once or in the end', (_, next, text) => {
    const log = new Log();
    log.open();
    expect(log.problems(next, 0)).toEqual([expect.stringContaining(`in the end`)]);
    log.saw(next, 0);
    expect(log.problems(RING, 0)).toEqual([expect.stringContaining(text)]);
  });

  it('an acknowledged swap that is lost as a whole', () => {
    const log = new Log();
    log.open();
    log.swapped(0, 1);
    expect(log.problems(RING, 0)).toEqual(['0 in the end, 1 were acknowledged']);
  });

  it('a swap that happened twice as a whole', () => {
    const log = new Log();
    log.open();
    log.history.info(log.swap(0));
    expect(log.problems(RING, 2)).toEqual(['2 in the end, only 1 were sent']);
  });

  it('a look at what is no more', () => {
    const log = new Log();
    log.open();
    log.swapped(0, 1);
    log.saw(RING, 0);
    expect(log.problems(SWAPPED, 1).length).toBeGreaterThan(0);
  });
});
