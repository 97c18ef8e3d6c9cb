import { assert } from '@holdfast/io';
import type { Lookup, Tree } from '@holdfast/lsm';

/** The newest version of a key as conditions see it. `revision` 0: absent or deleted. */
export interface LiveVersion {
  readonly revision: number;
  /** Stored value; only with `revision` > 0. */
  readonly value: Uint8Array | undefined;
}

const ABSENT: LiveVersion = { revision: 0, value: undefined };

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

  /** A promise only when the disk has to be read. The value is the caller's to keep. */
  live(key: Uint8Array): LiveVersion | Promise<LiveVersion> {
    const written = this.#written.get(keyText(key));
    if (written !== undefined) return written;
    const found = this.#tree.get(key);
    return found instanceof Promise ? found.then(versionOf) : versionOf(found);
  }
}

function versionOf(found: Lookup | undefined): LiveVersion {
  if (found === undefined) return ABSENT;
  assert(found.revision > 0, 'revisions start at 1');
  return { revision: found.revision, value: found.value.slice() };
}

/** One character per byte: a map key that keeps different byte strings apart. */
function keyText(key: Uint8Array): string {
  return String.fromCharCode(...key);
}
