import { HoldfastError } from '@holdfast/wire';
import type { Limits } from './principal.ts';
import { TokenBucket } from './token-bucket.ts';

/** What a principal may use, and how much of it is used; in this gateway alone. */
export class Budget {
  readonly #requests: TokenBucket | undefined;
  readonly #bytes: TokenBucket | undefined;
  readonly #watchersMax: number;
  /** `RateLimit-Policy`, which never changes. */
  readonly policy: string;
  #watchers = 0;

  constructor({ requestsPerSecond, bytesPerSecond, watchers }: Limits, nowMs: number) {
    this.#requests = requestsPerSecond === undefined ? undefined : new TokenBucket(requestsPerSecond, nowMs);
    this.#bytes = bytesPerSecond === undefined ? undefined : new TokenBucket(bytesPerSecond, nowMs);
    this.#watchersMax = watchers ?? Number.POSITIVE_INFINITY;
    this.policy = [
      ...(this.#requests === undefined ? [] : [`"requests";q=${quota(this.#requests)};w=1`]),
      ...(this.#bytes === undefined ? [] : [`"bytes";q=${quota(this.#bytes)};w=1;qu="content-bytes"`]),
    ].join(', ');
  }

  /** One more request. @throws HoldfastError HF_QUOTA_EXCEEDED with the time to wait; nothing is counted then. */
  admit(nowMs: number): void {
    // What an answer costs is known at its end only: a request may come in while there is anything left.
    const waitMs = Math.max(this.#requests?.waitMs(nowMs, 1) ?? 0, this.#bytes?.waitMs(nowMs, 1) ?? 0);
    if (waitMs > 0) {
      throw new HoldfastError('HF_QUOTA_EXCEEDED', {
        detail: `at most ${this.policy.replaceAll(/;w=1(;qu="content-bytes")?/g, ' per second').replaceAll(';q=', ': ')}`,
        retryAfterMs: waitMs,
      });
    }
    this.#requests?.spend(nowMs, 1);
  }

  /** What the bodies of a request and its answer came to. */
  spendBytes(nowMs: number, bytes: number): void {
    this.#bytes?.spend(nowMs, bytes);
  }

  /** One more open watch; give it back with {@link closeWatch}. @throws HoldfastError HF_QUOTA_EXCEEDED. */
  openWatch(): void {
    if (this.#watchers >= this.#watchersMax) {
      throw new HoldfastError('HF_QUOTA_EXCEEDED', { detail: `at most ${this.#watchersMax} open watches` });
    }
    this.#watchers += 1;
  }

  closeWatch(): void {
    this.#watchers -= 1;
  }

  /** `RateLimit`: what is left, and in how many seconds there will be more. */
  state(nowMs: number): string {
    return [
      ...(this.#requests === undefined ? [] : [`"requests";${left(this.#requests, nowMs)}`]),
      ...(this.#bytes === undefined ? [] : [`"bytes";${left(this.#bytes, nowMs)}`]),
    ].join(', ');
  }
}

function quota(bucket: TokenBucket): number {
  return Math.floor(bucket.capacity);
}

function left(bucket: TokenBucket, nowMs: number): string {
  const tokens = Math.max(0, Math.floor(bucket.level(nowMs)));
  return `r=${tokens};t=${Math.ceil(bucket.waitMs(nowMs, bucket.capacity) / 1000)}`;
}
