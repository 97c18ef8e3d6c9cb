import { compareBytes } from '@holdfast/io';
import { LEVEL_COUNT } from '../limits.ts';
import { coversTable, type RangeTombstone } from '../version/range-tombstones.ts';
import type { TableMeta } from '../table/table-info.ts';

/** A table as the picker sees it. */
export interface PickTable {
  readonly meta: TableMeta;
  /** An input of a compaction under way, or damaged: hands off. */
  readonly isCompacting: boolean;
}

/** A version as the picker sees it: level 0 newest first, the others sorted. */
export interface PickVersion<T extends PickTable = PickTable> {
  readonly levels: readonly (readonly T[])[];
  readonly rangeTombstones: readonly RangeTombstone[];
}

export interface PickLimits {
  readonly level0CompactionTables: number;
  readonly levelBaseBytes: number;
  readonly levelRatio: number;
  /** May a table of the first level be moved to the second as it is (same compression)? */
  readonly canMove: (level: number, outputLevel: number) => boolean;
}

export interface MergeChoice<T extends PickTable = PickTable> {
  readonly kind: 'merge';
  readonly level: number;
  readonly outputLevel: number;
  /** Runs, newest first: each a list of tables in key order without overlap. */
  readonly runs: readonly (readonly T[])[];
}

export type Choice<T extends PickTable = PickTable> =
  | { readonly kind: 'none' }
  /** Every version in the tables is deleted by a range tombstone. */
  | { readonly kind: 'drop'; readonly tables: readonly T[] }
  | {
      readonly kind: 'move';
      readonly level: number;
      readonly outputLevel: number;
      readonly tables: readonly T[];
    }
  | MergeChoice<T>;

const BOTTOM: number = LEVEL_COUNT - 1;
const NONE = { kind: 'none' } as const;

export interface LevelTargets {
  /** Where level 0 is compacted into; the levels between are empty. */
  readonly baseLevel: number;
  /** Bytes that a level should not exceed; infinite at the bottom. */
  readonly bytes: readonly number[];
}

/**
 * Sizes follow from the bottom level upwards ("dynamic level bytes"): each level may hold a `levelRatio`-th of
 * the one below, and levels that would be smaller than `levelBaseBytes / levelRatio` are left out. About nine
 * tenths of the data are therefore always at the bottom, which bounds space amplification by 1.11 or so.
 */
export function levelTargets(levels: readonly (readonly PickTable[])[], limits: PickLimits): LevelTargets {
  const bytes = Array.from({ length: LEVEL_COUNT }, () => Number.POSITIVE_INFINITY);
  let target = Math.max(totalBytes(levels[BOTTOM]!), limits.levelBaseBytes);
  let baseLevel = BOTTOM;
  while (baseLevel > 1 && target > limits.levelBaseBytes) {
    target /= limits.levelRatio;
    baseLevel--;
    bytes[baseLevel] = Math.max(target, limits.levelBaseBytes / limits.levelRatio);
  }
  for (let level = baseLevel - 1; level > 0; level--) {
    // Left over from a time with more data: everything in it should go down.
    bytes[level] = 0;
    if (levels[level]!.length > 0) baseLevel = level;
  }
  return { baseLevel, bytes };
}

/**
 * What to compact next, if anything. Pure: the same version and limits give the same choice.
 *
 * Order: tables that a range tombstone has emptied; level 0 or the level that is most over its target. In a
 * level, the table that drags the fewest bytes of the next level along.
 */
export function pickCompaction<T extends PickTable>(version: PickVersion<T>, limits: PickLimits): Choice<T> {
  const dropped = emptied(version);
  if (dropped.length > 0) return { kind: 'drop', tables: dropped };
  const targets = levelTargets(version.levels, limits);
  const scores: { readonly level: number; readonly score: number }[] = [];
  scores.push({ level: 0, score: version.levels[0]!.length / limits.level0CompactionTables });
  for (let level = 1; level < BOTTOM; level++) {
    const bytes = totalBytes(version.levels[level]!);
    if (bytes > 0) scores.push({ level, score: bytes / targets.bytes[level]! });
  }
  scores.sort((a, b) => b.score - a.score || a.level - b.level);
  for (const { level, score } of scores) {
    if (score < 1) break;
    const choice =
      level === 0 ? pickLevel0(version, targets.baseLevel, limits) : pickLevel(version, level, limits);
    if (choice.kind !== 'none') return choice;
  }
  return NONE;
}

/**
 * Everything that overlaps `[start, end)` (undefined: unbounded), merged into the bottom level. The range is
 * widened until no table sticks out of it, so that newer data never end up below older data.
 */
export function pickRange<T extends PickTable>(
  version: PickVersion<T>,
  start: Uint8Array | undefined,
  end: Uint8Array | undefined,
): Choice<T> {
  let low = start;
  let high = end;
  let isHighIncluded = false;
  let inputs: (readonly T[])[] = [];
  for (let count = -1, previous = -2; count !== previous;) {
    previous = count;
    inputs = version.levels.map((level) =>
      level.filter(({ meta }) => {
        if (low !== undefined && compareBytes(meta.largestKey, low) < 0) return false;
        if (high === undefined) return true;
        const order = compareBytes(meta.smallestKey, high);
        return isHighIncluded ? order <= 0 : order < 0;
      }),
    );
    count = 0;
    for (const { meta } of inputs.flat()) {
      count++;
      if (low !== undefined && compareBytes(meta.smallestKey, low) < 0) low = meta.smallestKey;
      if (high !== undefined && compareBytes(meta.largestKey, high) >= (isHighIncluded ? 1 : 0)) {
        high = meta.largestKey;
        isHighIncluded = true;
      }
    }
  }
  const all = inputs.flat();
  if (all.length === 0 || all.some(({ isCompacting }) => isCompacting)) return NONE;
  return { kind: 'merge', level: 0, outputLevel: BOTTOM, runs: runsOf(inputs) };
}

function emptied<T extends PickTable>({ levels, rangeTombstones }: PickVersion<T>): readonly T[] {
  if (rangeTombstones.length === 0) return [];
  return levels
    .flat()
    .filter(
      (table) =>
        !table.isCompacting && rangeTombstones.some((tombstone) => coversTable(tombstone, table.meta)),
    );
}

function pickLevel0<T extends PickTable>(
  version: PickVersion<T>,
  baseLevel: number,
  limits: PickLimits,
): Choice<T> {
  const level0 = version.levels[0]!;
  if (level0.some(({ isCompacting }) => isCompacting)) return NONE;
  const oldest = level0.at(-1);
  if (oldest !== undefined && limits.canMove(0, baseLevel)) {
    const isAlone = level0.every((other) => other === oldest || !overlap(other.meta, oldest.meta));
    if (isAlone && overlapping(version.levels[baseLevel]!, [oldest]).length === 0) {
      return { kind: 'move', level: 0, outputLevel: baseLevel, tables: [oldest] };
    }
  }
  const below = overlapping(version.levels[baseLevel]!, level0);
  if (below.some(({ isCompacting }) => isCompacting)) return NONE;
  return { kind: 'merge', level: 0, outputLevel: baseLevel, runs: runsOf([level0, below]) };
}

function pickLevel<T extends PickTable>(
  version: PickVersion<T>,
  level: number,
  limits: PickLimits,
): Choice<T> {
  let best: { readonly table: T; readonly below: readonly T[]; readonly ratio: number } | undefined;
  for (const table of version.levels[level]!) {
    if (table.isCompacting) continue;
    const below = overlapping(version.levels[level + 1]!, [table]);
    if (below.some(({ isCompacting }) => isCompacting)) continue;
    const ratio = totalBytes(below) / table.meta.fileBytes;
    if (best === undefined || ratio < best.ratio) best = { table, below, ratio };
  }
  if (best === undefined) return NONE;
  const { table, below } = best;
  if (below.length === 0 && limits.canMove(level, level + 1)) {
    return { kind: 'move', level, outputLevel: level + 1, tables: [table] };
  }
  return { kind: 'merge', level, outputLevel: level + 1, runs: runsOf([[], [table], below]) };
}

/** Runs of inputs given by level, the first of them level 0. */
function runsOf<T extends PickTable>(levels: readonly (readonly T[])[]): readonly (readonly T[])[] {
  const [level0 = [], ...sorted] = levels;
  return [...level0.map((table) => [table]), ...sorted.filter((run) => run.length > 0)];
}

function overlapping<T extends PickTable>(level: readonly T[], tables: readonly PickTable[]): readonly T[] {
  const [first] = tables;
  if (first === undefined) return [];
  let { smallestKey, largestKey } = first.meta;
  for (const { meta } of tables) {
    if (compareBytes(meta.smallestKey, smallestKey) < 0) smallestKey = meta.smallestKey;
    if (compareBytes(meta.largestKey, largestKey) > 0) largestKey = meta.largestKey;
  }
  return level.filter(({ meta }) => overlap(meta, { smallestKey, largestKey }));
}

type KeyRange = Pick<TableMeta, 'smallestKey' | 'largestKey'>;

function overlap(a: KeyRange, b: KeyRange): boolean {
  return compareBytes(a.smallestKey, b.largestKey) <= 0 && compareBytes(b.smallestKey, a.largestKey) <= 0;
}

function totalBytes(tables: readonly PickTable[]): number {
  let bytes = 0;
  for (const { meta } of tables) bytes += meta.fileBytes;
  return bytes;
}
