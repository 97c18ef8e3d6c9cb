import { EMPTY_BYTES } from '@holdfast/io';
import { EntryKind } from '@holdfast/raft';
import { describe, expect, it } from 'vitest';
import { RecoveredGroup } from '../log/recovered-group.ts';
import { alignWithTree } from './recovery.ts';

function groupOf(commit: number, ...terms: readonly number[]): RecoveredGroup {
  const group = new RecoveredGroup();
  group.hardState = { term: 4, vote: 0, commit };
  group.append(terms.map((term, i) => ({ index: i + 1, term, kind: EntryKind.normal, data: EMPTY_BYTES })));
  return group;
}

describe('alignWithTree', () => {
  it('does not take an old leader’s entries for committed because their replacement was lost', () => {
    // Entries 2 .. 9 of term 4 and the news that 8 is committed were handed out together; the entries were lost.
    const group = groupOf(8, 2, 2, 2);
    alignWithTree(group, { index: 1, term: 2, revision: 1 });
    expect(group.hardState).toEqual({ term: 4, vote: 0, commit: 1 });
    expect(group.lastIndex).toBe(3);
  });

  it('starts the log behind what the tree holds and the log does not', () => {
    const group = groupOf(1, 2, 2);
    alignWithTree(group, { index: 5, term: 5, revision: 1 });
    expect(group.hardState).toEqual({ term: 5, vote: 0, commit: 5 });
    expect(group.lastIndex).toBe(5);
  });
});
