import { compareBytes } from '@holdfast/io';

export interface ModelEntry {
  readonly key: Uint8Array;
  readonly revision: number;
  readonly value: Uint8Array | undefined;
}

interface ModelRange {
  readonly start: Uint8Array | undefined;
  readonly end: Uint8Array | undefined;
  readonly revision: number;
}

/** What a tree promises, in the dumbest way: a map from key to all its versions. */
export class TreeModel {
  readonly #keys = new Map<
    string,
    { readonly key: Uint8Array; readonly versions: Map<number, Uint8Array | undefined> }
  >();
  readonly #ranges: ModelRange[] = [];
  readonly marks = new Map<number, string>();

  put(key: Uint8Array, revision: number, value: Uint8Array | undefined): void {
    const name = nameOf(key);
    const entry = this.#keys.get(name) ?? { key, versions: new Map<number, Uint8Array | undefined>() };
    entry.versions.set(revision, value);
    this.#keys.set(name, entry);
  }

  deleteRange(start: Uint8Array | undefined, end: Uint8Array | undefined, revision: number): void {
    this.#ranges.push({ start, end, revision });
  }

  get(key: Uint8Array, revision: number): ModelEntry | undefined {
    const entry = this.#keys.get(nameOf(key));
    if (entry === undefined) return undefined;
    let best = -1;
    for (const own of entry.versions.keys()) if (own <= revision && own > best) best = own;
    if (best < 0 || this.#isCovered(key, best, revision)) return undefined;
    const value = entry.versions.get(best);
    return value === undefined ? undefined : { key, revision: best, value };
  }

  scan(
    start: Uint8Array | undefined,
    end: Uint8Array | undefined,
    revision: number,
    reverse: boolean,
  ): readonly ModelEntry[] {
    const found: ModelEntry[] = [];
    for (const { key } of this.#keys.values()) {
      if (!isInside(key, start, end)) continue;
      const entry = this.get(key, revision);
      if (entry !== undefined) found.push(entry);
    }
    found.sort((a, b) => compareBytes(a.key, b.key));
    return reverse ? found.reverse() : found;
  }

  /** A copy that later writes do not change. */
  fork(): TreeModel {
    const copy = new TreeModel();
    for (const [name, { key, versions }] of this.#keys)
      copy.#keys.set(name, { key, versions: new Map(versions) });
    copy.#ranges.push(...this.#ranges);
    for (const [group, mark] of this.marks) copy.marks.set(group, mark);
    return copy;
  }

  #isCovered(key: Uint8Array, version: number, revision: number): boolean {
    return this.#ranges.some(
      (range) =>
        range.revision <= revision && range.revision >= version && isInside(key, range.start, range.end),
    );
  }
}

function isInside(key: Uint8Array, start: Uint8Array | undefined, end: Uint8Array | undefined): boolean {
  return (
    (start === undefined || compareBytes(start, key) <= 0) &&
    (end === undefined || compareBytes(key, end) < 0)
  );
}

export function nameOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}
