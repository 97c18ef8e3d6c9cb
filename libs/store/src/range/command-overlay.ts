import { assert } from '@holdfast/io';
import type { Lookup, Tree } from '@holdfast/lsm';
import { expiryOf } from './stored-value.ts';

/** The newest version of a key as conditions see it. `revision` 0: absent, deleted or expired. */
export interface LiveVersion {
  readonly revision: number;
  /** Stored value; only with `revision` > 0. */
  readonly value: Uint8Array | undefined;
}

export const ABSENT: LiveVersion = { revision: 0, value: undefined };

/**
 * The tree as the ops of one command see it while the command is being applied: what earlier ops of the command
 * have written stands above what the tree shows.
 */
export class CommandOverlay {
  readonly #tree: Tree;
  readonly #written = new Map<string, LiveVersion>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** @param value undefined for a delete */
  write(key: Uint8Array, revision: number, value: Uint8Array | undefined): void {
    this.#written.set(keyText(key), value === undefined ? ABSENT : { revision, value });
  }

  /**
   * A promise only when the disk has to be read. The value is the caller's to keep.
   * @param nowMs time of the entry: what has expired by then is absent. 0 shows it all the same.
   */
  live(key: Uint8Array, nowMs: number): LiveVersion | Promise<LiveVersion> {
    const written = this.#written.get(keyText(key));
    if (written !== undefined) return unexpired(written, nowMs);
    const found = this.#tree.get(key);
    if (found instanceof Promise) return found.then((late) => unexpired(versionOf(late), nowMs));
    return unexpired(versionOf(found), nowMs);
  }
}

function versionOf(found: Lookup | undefined): LiveVersion {
  if (found === undefined) return ABSENT;
  assert(found.revision > 0, 'revisions start at 1');
  return { revision: found.revision, value: found.value.slice() };
}

function unexpired(version: LiveVersion, nowMs: number): LiveVersion {
  if (version.value === undefined) return version;
  const expiresAtMs = expiryOf(version.value);
  return expiresAtMs !== 0 && expiresAtMs <= nowMs ? ABSENT : version;
}

/**
 * One character per byte: a map key that keeps different byte strings apart. Eight at a time: a third faster than a list
 * of all of them as arguments, and twice as fast as one by one.
 */
export function keyText(key: Uint8Array): string {
  const { fromCharCode } = String;
  const { length } = key;
  let text = '';
  let i = 0;
  for (; i + 8 <= length; i += 8) {
    text += fromCharCode(
      key[i],
      key[i + 1],
      key[i + 2],
      key[i + 3],
      key[i + 4],
      key[i + 5],
      key[i + 6],
      key[i + 7],
    );
  }
  for (; i < length; i++) text += fromCharCode(key[i]);
  return text;
}
