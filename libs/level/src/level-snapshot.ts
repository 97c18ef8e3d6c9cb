import type { Reads, Snapshot } from '@holdfast/lsm';
import { AbstractSnapshot } from 'abstract-level';

/** The published types leave out the constructor's options, which name the owner. */
const OwnedSnapshot = AbstractSnapshot as unknown as new (options: object) => AbstractSnapshot;

/** A snapshot of the tree, counted and closed the way `abstract-level` does it. */
export class LevelSnapshot extends OwnedSnapshot {
  readonly #snapshot: Snapshot;

  constructor(snapshot: Snapshot, options: object) {
    super(options);
    this.#snapshot = snapshot;
  }

  get reads(): Reads {
    return this.#snapshot;
  }

  protected _close(): Promise<void> {
    this.#snapshot.release();
    return Promise.resolve();
  }
}
