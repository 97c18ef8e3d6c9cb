import { utf8 } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { LEVEL_COUNT } from '../limits.ts';
import type { RangeTombstone } from '../version/range-tombstones.ts';
import {
  type Choice,
  levelTargets,
  pickCompaction,
  pickRange,
  type PickLimits,
  type PickTable,
} from './pick-compaction.ts';

const limits: PickLimits = {
  level0CompactionTables: 4,
  levelBaseBytes: 100,
  levelRatio: 10,
  canMove: () => true,
};

/** `3:a-f:20` is table 3 with keys a to f and 20 bytes; a `!` behind it is being compacted. */
function table(text: string): PickTable {
  const [number = '', range = '', bytes = ''] = text.replace('!', '').split(':');
  const [smallest = '', largest = ''] = range.split('-');
  return {
    isCompacting: text.endsWith('!'),
    meta: {
      number: Number(number),
      binding: 0,
      fileBytes: Number(bytes),
      entries: 1,
      tombstones: 0,
      rawBytes: 0,
      revisionMin: Number(number),
      revisionMax: Number(number) + 5,
      smallestKey: utf8(smallest),
      largestKey: utf8(largest),
    },
  };
}

function version(levels: Readonly<Record<number, string>>, rangeTombstones: readonly RangeTombstone[] = []) {
  return {
    levels: Array.from({ length: LEVEL_COUNT }, (_, level) =>
      (levels[level] ?? '').split(' ').filter(Boolean).map(table),
    ),
    rangeTombstones,
  };
}

function text(choice: Choice): string {
  const names = (tables: readonly PickTable[]): string => tables.map(({ meta }) => meta.number).join(',');
  switch (choice.kind) {
    case 'none':
      return 'none';
    case 'drop':
      return `drop ${names(choice.tables)}`;
    case 'move':
      return `move ${names(choice.tables)} ${choice.level}>${choice.outputLevel}`;
    default:
      return `merge ${choice.runs.map(names).join(' | ')} ${choice.level}>${choice.outputLevel}`;
  }
}

describe('pickCompaction', () => {
  const cases: readonly (readonly [string, Readonly<Record<number, string>>, string])[] = [
    ['nothing to do', { 0: '9:a-z:10 8:a-z:10', 6: '1:a-z:50' }, 'none'],
    [
      'level 0 is full',
      { 0: '9:a-f:9 8:a-z:9 7:c-d:9 6:a-b:9', 6: '1:a-c:9 2:x-z:9' },
      'merge 9 | 8 | 7 | 6 | 1,2 0>6',
    ],
    ['level 0 beside other keys', { 0: '9:e-f:9 8:d-e:9 7:c-d:9 6:a-b:9', 6: '2:x-z:9' }, 'move 6 0>6'],
    ['level 0 busy', { 0: '9:a-f:9 8:a-z:9 7:c-d:9! 6:a-b:9' }, 'none'],
    ['the level below busy', { 0: '9:a-f:9 8:a-z:9 7:c-d:9 6:a-b:9', 6: '1:a-c:9!' }, 'none'],
    [
      'a level is over its target',
      { 5: '5:a-c:90 6:d-f:90', 6: '1:a-b:400 2:c-c:200 3:e-f:300' },
      'merge 6 | 3 5>6',
    ],
    ['a table without overlap moves', { 5: '5:a-c:90 6:k-m:90', 6: '1:a-b:400 3:e-f:500' }, 'move 6 5>6'],
    ['levels above the base level are emptied', { 3: '5:a-c:50', 6: '1:a-b:40' }, 'move 5 3>4'],
  ];
  for (const [name, levels, expected] of cases) {
    it(name, () => {
      expect(text(pickCompaction(version(levels), limits))).toBe(expected);
    });
  }

  it('drops what a range tombstone has emptied', () => {
    const levels = { 0: '5:c-d:90', 6: '1:a-b:10 2:c-d:10 3:e-f:10' };
    const tombstone = { start: utf8('a'), end: utf8('e'), revision: 8 };
    expect(text(pickCompaction(version(levels, [tombstone]), limits))).toBe('none');
    const applied = { ...tombstone, appliedFrom: 7 };
    expect(text(pickCompaction(version(levels, [applied]), limits))).toBe('drop 1,2');
  });

  it('sizes levels from the bottom upwards', () => {
    const { baseLevel, bytes } = levelTargets(version({ 6: '1:a-z:5000' }).levels, limits);
    expect(baseLevel).toBe(4);
    expect(bytes.slice(4)).toEqual([50, 500, Number.POSITIVE_INFINITY]);
  });

  it('widens a range until nothing sticks out', () => {
    const levels = { 0: '9:c-h:9', 5: '5:g-k:9 6:x-z:9', 6: '1:a-b:9 2:j-m:9 3:n-p:9' };
    expect(text(pickRange(version(levels), utf8('d'), utf8('e')))).toBe('merge 9 | 5 | 2 0>6');
    expect(text(pickRange(version(levels), utf8('q'), utf8('r')))).toBe('none');
    expect(text(pickRange(version(levels), undefined, undefined))).toBe('merge 9 | 5,6 | 1,2,3 0>6');
  });
});
