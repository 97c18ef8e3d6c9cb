/**
 * Bytes in parts that belong to others, in the order they were added: copied once, when the frame is written. Nobody
 * changes a part before `reset`.
 */
export class ByteParts {
  #parts: Uint8Array[] = [];
  #length = 0;

  /** Bytes of all parts. */
  get length(): number {
    return this.#length;
  }

  append(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#length += part.length;
  }

  copyTo(target: Uint8Array, start: number): void {
    let at = start;
    for (const part of this.#parts) {
      target.set(part, at);
      at += part.length;
    }
  }

  /** Forgets the parts. */
  reset(): void {
    this.#parts = [];
    this.#length = 0;
  }
}
