import { utf8 } from '@holdfast/io';
import { BrokenError, CorruptionError, type DamagedSpan } from '@holdfast/lsm';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Repairs, type RepairsHost } from './repairs.ts';

const SPAN: DamagedSpan = { start: utf8('b'), end: utf8('d'), table: 7 };

/** A tree with one damaged span that no range claims; `failures` are what giving it up meets, one after the other. */
function hostWith(failures: readonly Error[]): { host: RepairsHost; fatal: Error[]; attempts: () => number } {
  const fatal: Error[] = [];
  let attempts = 0;
  let spans: readonly DamagedSpan[] = [SPAN];
  const host: RepairsHost = {
    tree: {
      damagedSpans: () => spans,
      quarantine: async () => undefined,
      ingest: async () => {
        const failure = failures[attempts++];
        if (failure !== undefined) throw failure;
        spans = [];
      },
    },
    wake: () => undefined,
    fail: (error) => fatal.push(error),
  };
  return { host, fatal, attempts: () => attempts };
}

const repairsOf = (host: RepairsHost): Repairs => new Repairs(host, new Map(), { ask: () => undefined }, {});

describe('giving up a damaged span that belongs to no range', () => {
  it('is tried again when a neighbouring table turns out to be damaged too', async () => {
    const { host, fatal, attempts } = hostWith([
      new CorruptionError('table', '000171.sst', 12_328, 'checksum'),
    ]);
    const repairs = repairsOf(host);
    for (let tick = 0; tick < 3; tick++) {
      repairs.tick();
      await turn();
    }
    expect(fatal).toEqual([]);
    expect(attempts()).toBe(2);
    expect(host.tree.damagedSpans()).toEqual([]);
  });

  it('ends the node when the disk fails', async () => {
    const failure = new BrokenError('the tree', new Error('EIO'));
    const { host, fatal } = hostWith([failure]);
    repairsOf(host).tick();
    await turn();
    expect(fatal).toEqual([failure]);
  });
});
