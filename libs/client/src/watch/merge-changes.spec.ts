import { EMPTY_BYTES } from '@holdfast/io';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeChanges } from './merge-changes.ts';
import type { ChangeRecord } from './watch-query.ts';

interface Part {
  readonly queue: ChangeRecord[];
  progress: number;
}

function change(revision: number): ChangeRecord {
  return { kind: 1, revision, key: EMPTY_BYTES, contentType: EMPTY_BYTES, value: EMPTY_BYTES };
}

/** For each part: its changes' revisions, and at which lengths of that list it tells how far it is. */
const history = fc.array(
  fc.array(fc.record({ revision: fc.integer({ min: 2, max: 40 }), closes: fc.boolean() }), { maxLength: 15 }),
  { minLength: 1, maxLength: 4 },
);

describe('mergeChanges', () => {
  it('says nothing while a source has not told anything', () => {
    const parts: Part[] = [
      { queue: [], progress: 9 },
      { queue: [], progress: 0 },
    ];
    parts[0].queue.push(change(5));
    expect(mergeChanges(parts, 1)).toBeUndefined();
    parts[1].progress = 4;
    expect(mergeChanges(parts, 1)).toEqual({ changes: [], closed: 4 });
    parts[1].progress = 7;
    expect(mergeChanges(parts, 4)).toMatchObject({
      changes: [{ record: { revision: 5 }, resume: 5 }],
      closed: 7,
    });
  });

  it('hands on every change once, in order, and resumes exactly from any of them', () => {
    fc.assert(
      fc.property(history, fc.infiniteStream(fc.nat()), (histories, picks) => {
        const sorted = histories.map((list) => list.toSorted((a, b) => a.revision - b.revision));
        const parts = sorted.map((): Part => ({ queue: [], progress: 1 }));
        const left = sorted.map((list) => [...list]);
        const told: { readonly revision: number; readonly resume: number }[] = [];
        let closed = 1;
        const merge = (): void => {
          const merged = mergeChanges(parts, closed);
          if (merged === undefined) return;
          told.push(...merged.changes.map(({ record, resume }) => ({ revision: record.revision, resume })));
          closed = Math.max(closed, merged.closed);
        };
        while (left.some((list) => list.length > 0)) {
          const open = left.map((list, i) => [list, parts[i]] as const).filter(([list]) => list.length > 0);
          const [list, part] = open[picks.next().value! % open.length];
          const { revision, closes } = list.shift()!;
          part.queue.push(change(revision));
          // A frame never ends inside a transaction.
          if (closes && list[0]?.revision !== revision) part.progress = revision;
          merge();
        }
        for (const part of parts) part.progress = 50;
        merge();
        const all = sorted.flat().map(({ revision }) => revision);
        expect(told.map(({ revision }) => revision)).toEqual(all.toSorted((a, b) => a - b));
        for (const [i, { resume }] of told.entries()) {
          const behind = told.slice(i + 1).map(({ revision }) => revision);
          const missed = behind.filter((revision) => revision <= resume);
          expect(missed).toEqual([]);
          expect(told[i].revision).toBeGreaterThanOrEqual(resume);
          // Only changes of the same revision come again.
          const repeated = told.slice(0, i + 1).filter(({ revision }) => revision > resume);
          expect(repeated.every(({ revision }) => revision === told[i].revision)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
