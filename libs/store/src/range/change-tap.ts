import type { ChangeKind } from '@holdfast/wire';

/**
 * Hears what a range applies, while somebody watches it; without a tap a write pays one branch.
 *
 * Changes come in the order of the log, so their revisions never go back; those of one transaction share one.
 * They count once `advanced` has reached their revision, which is after the tree has them.
 */
export interface ChangeTap {
  /**
   * @param key tree key: a view, valid for the call.
   * @param stored what the tree holds from now on (a view); undefined when it holds nothing.
   */
  changed(kind: ChangeKind, key: Uint8Array, revision: number, stored: Uint8Array | undefined): void;
  /** Everything up to `revision` is applied, and nothing at or below it will ever be. */
  advanced(revision: number): void;
  /** The state was replaced by a snapshot: what lies between was not heard. */
  replaced(): void;
}
