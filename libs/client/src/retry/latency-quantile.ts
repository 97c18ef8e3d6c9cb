/** Four buckets per doubling, from 1/16 ms up to about 4 s. */
const BUCKETS = 64;
const BUCKETS_PER_DOUBLING = 4;
const LOWEST_MS = 1 / 16;
/** Old samples lose half their weight after this many new ones. */
const HALF_LIFE_SAMPLES = 512;
/** The quantile is looked up again after this many samples. */
const LOOKUP_SAMPLES = 32;

/**
 * A quantile of recent latencies, at most a fifth too high: counts in buckets that grow by a constant factor, halved
 * now and then so that the past fades. A sample costs one logarithm.
 */
export class LatencyQuantile {
  readonly #quantile: number;
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;
  #sinceHalving = 0;
  #sinceLookup = 0;
  #valueMs: number | undefined;

  /** @param quantile between 0 and 1 */
  constructor(quantile: number) {
    this.#quantile = quantile;
  }

  /** Milliseconds; undefined before there are enough samples to speak of a quantile. */
  get valueMs(): number | undefined {
    return this.#valueMs;
  }

  record(latencyMs: number): void {
    this.#counts[bucketOf(latencyMs)]++;
    this.#total++;
    if (++this.#sinceHalving === HALF_LIFE_SAMPLES) this.#fade();
    if (++this.#sinceLookup === LOOKUP_SAMPLES) this.#lookUp();
  }

  #fade(): void {
    this.#sinceHalving = 0;
    this.#total /= 2;
    for (let i = 0; i < BUCKETS; i++) this.#counts[i] /= 2;
  }

  #lookUp(): void {
    this.#sinceLookup = 0;
    let left = this.#total * this.#quantile;
    let bucket = 0;
    for (; bucket < BUCKETS - 1; bucket++) {
      left -= this.#counts[bucket];
      if (left <= 0) break;
    }
    this.#valueMs = LOWEST_MS * 2 ** ((bucket + 1) / BUCKETS_PER_DOUBLING);
  }
}

function bucketOf(latencyMs: number): number {
  if (!(latencyMs > LOWEST_MS)) return 0;
  return Math.min(BUCKETS - 1, Math.floor(Math.log2(latencyMs / LOWEST_MS) * BUCKETS_PER_DOUBLING));
}
