/** Buckets per doubling: a quantile is at most 1.6 % off. */
const STEPS = 64;
const DOUBLINGS = 40;
/** Finest resolution, in milliseconds. */
const UNIT_MS = 0.001;

/** Counts latencies in buckets that grow with the value; records in a few nanoseconds, whatever their number. */
export class Histogram {
  readonly #counts = new Uint32Array(STEPS * DOUBLINGS);
  #total = 0;
  #maxMs = 0;

  get total(): number {
    return this.#total;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  record(ms: number): void {
    this.#counts[bucketOf(ms)] += 1;
    this.#total++;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** The value below which the share `quantile` of all lies, in milliseconds; 0 when nothing was recorded. */
  quantileMs(quantile: number): number {
    let left = Math.ceil(this.#total * quantile);
    if (left === 0) return 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket];
      if (left <= 0) return valueOf(bucket);
    }
    return this.#maxMs;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#total = 0;
    this.#maxMs = 0;
  }
}

function bucketOf(ms: number): number {
  const units = Math.max(1, ms / UNIT_MS);
  return Math.min(STEPS * DOUBLINGS - 1, Math.floor(Math.log2(units) * STEPS));
}

function valueOf(bucket: number): number {
  return UNIT_MS * 2 ** ((bucket + 0.5) / STEPS);
}
