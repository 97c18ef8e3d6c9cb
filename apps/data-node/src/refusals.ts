/** Connections that this node has refused or closed for what they sent, by the reason: a bounded set of names. */
export class Refusals {
  readonly #counts = new Map<string, number>();

  /** @param reason a protocol violation, a code of the error table, or `tls`. */
  count(reason: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}
