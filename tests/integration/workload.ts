import type { Outcome } from '@holdfast/wire';
import type { Http } from './http.ts';

/** What the workload needs of a gateway. */
export type KeyHttp = Pick<Http, 'get' | 'put'>;

const WRITERS = 8;
const KEYS_PER_WRITER = 8;
const READERS = 2;

/** What is known of one key, which one writer alone writes with growing numbers. */
interface KeyRecord {
  readonly key: string;
  acknowledged: number;
  revision: number;
  /** Numbers of writes whose fate nobody has told. */
  readonly unknown: Set<number>;
  /** Numbers of writes that were told not to have happened. */
  readonly refused: Set<number>;
  next: number;
}

export interface Failure {
  readonly status: number;
  readonly code: string;
  readonly outcome: Outcome;
  readonly detail: string;
}

/**
 * Writers and readers that go on whatever happens, and remember what they were told. Each key has one writer, which
 * waits for each answer; so the value that must be there in the end is known, up to writes of unknown outcome.
 */
export class Workload {
  readonly failures: Failure[] = [];
  /** What must never happen: read while it ran, or found by {@link verify}. */
  readonly violations: string[] = [];
  readonly #http: KeyHttp;
  readonly #keys: readonly KeyRecord[];
  readonly #loops: Promise<void>[] = [];
  #stopped = false;
  #acknowledged = 0;
  #reads = 0;
  #lastAcknowledgedMs = performance.now();
  #longestPauseMs = 0;

  constructor(http: KeyHttp, name: string) {
    this.#http = http;
    this.#keys = Array.from({ length: WRITERS * KEYS_PER_WRITER }, (_, i) => ({
      // Spread over the ranges of the keyspace.
      key: `${'abdhlpty'[i % KEYS_PER_WRITER]}/${name}/${i}`,
      acknowledged: 0,
      revision: 0,
      unknown: new Set<number>(),
      refused: new Set<number>(),
      next: 1,
    }));
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get reads(): number {
    return this.#reads;
  }

  get longestPauseMs(): number {
    return this.#longestPauseMs;
  }

  start(): this {
    for (let i = 0; i < WRITERS; i++) {
      this.#loops.push(this.#write(this.#keys.slice(i * KEYS_PER_WRITER, (i + 1) * KEYS_PER_WRITER)));
    }
    for (let i = 0; i < READERS; i++) this.#loops.push(this.#read(i));
    return this;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  /** Reads every key and holds it against what was acknowledged. */
  async verify(): Promise<void> {
    await Promise.all(
      this.#keys.map(async (record) => {
        const { status, body } = await this.#http.get(record.key);
        if (status !== 200 && status !== 404)
          this.violations.push(`${record.key}: cannot be read: ${body.toString()}`);
        else this.#judge(record, status === 404 ? 0 : Number(body), record.acknowledged);
      }),
    );
  }

  async #write(keys: readonly KeyRecord[]): Promise<void> {
    for (let i = 0; !this.#stopped; i = (i + 1) % keys.length) {
      const record = keys[i];
      if (record === undefined) return;
      const number = record.next++;
      // Before it is sent: a reader may see it before its writer hears of it.
      record.unknown.add(number);
      const answer = await this.#http.put(record.key, String(number));
      const { status, headers } = answer;
      if (status === 200) {
        const revision = Number(headers['holdfast-revision']);
        if (revision <= record.revision) {
          this.violations.push(`${record.key}: revision ${revision} after ${record.revision}`);
        }
        record.unknown.delete(number);
        record.acknowledged = number;
        record.revision = revision;
        this.#countAcknowledged();
        continue;
      }
      const { code, outcome, detail = '' } = answer.problem;
      this.failures.push({ status, code, outcome, detail });
      if (outcome === 'not_applied') {
        record.unknown.delete(number);
        record.refused.add(number);
      }
    }
  }

  async #read(seed: number): Promise<void> {
    for (let i = seed; !this.#stopped; i += 7) {
      const record = this.#keys[i % this.#keys.length];
      if (record === undefined) return;
      const floor = record.acknowledged;
      const { status, body } = await this.#http.get(record.key);
      if (status !== 200 && status !== 404) continue;
      this.#reads++;
      this.#judge(record, status === 404 ? 0 : Number(body), floor);
    }
  }

  /** A strong read sees the last write that was acknowledged before it began, or a later one. */
  #judge({ key, unknown, refused, next }: KeyRecord, value: number, floor: number): void {
    if (refused.has(value)) this.violations.push(`${key}: ${value} was told not to be applied`);
    else if (value < floor && !unknown.has(value))
      this.violations.push(`${key}: ${value}, though ${floor} was acknowledged`);
    else if (!(value < next)) this.violations.push(`${key}: ${value} was never written`);
  }

  #countAcknowledged(): void {
    const nowMs = performance.now();
    this.#longestPauseMs = Math.max(this.#longestPauseMs, nowMs - this.#lastAcknowledgedMs);
    this.#lastAcknowledgedMs = nowMs;
    this.#acknowledged++;
  }
}
