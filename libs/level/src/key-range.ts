import { compareBytes } from '@holdfast/io';
import type { Encoded } from './format.ts';
import { bytesOf } from './format.ts';
import { storedKey } from './stored-key.ts';

/** Range options as `abstract-level` hands them down: already encoded. */
export interface RangeOptions {
  readonly gt?: Encoded | undefined;
  readonly gte?: Encoded | undefined;
  readonly lt?: Encoded | undefined;
  readonly lte?: Encoded | undefined;
}

/** Stored keys from `start` on and below `end`; undefined: unbounded. */
export interface KeyRange {
  readonly start: Uint8Array | undefined;
  readonly end: Uint8Array | undefined;
}

/** `gte` counts before `gt` and `lte` before `lt`, as `abstract-level` has it. */
export function keyRange({ gt, gte, lt, lte }: RangeOptions): KeyRange {
  const bound = (key: Encoded | undefined, extra: number): Uint8Array | undefined =>
    key === undefined ? undefined : storedKey(bytesOf(key), extra);
  return { start: bound(gte, 0) ?? bound(gt, 1), end: bound(lte, 1) ?? bound(lt, 0) };
}

export function isInRange(key: Uint8Array, { start, end }: KeyRange): boolean {
  if (start !== undefined && compareBytes(key, start) < 0) return false;
  return end === undefined || compareBytes(key, end) < 0;
}
