/** When the next key of a range may expire: nothing does before it. Kept by every replica, used by the leader. */
export class ExpiryBound {
  /** Milliseconds since 1970; 0 until somebody has looked, infinite when nothing expires. */
  earliestMs = 0;

  lower(dueMs: number): void {
    if (dueMs < this.earliestMs) this.earliestMs = dueMs;
  }
}
