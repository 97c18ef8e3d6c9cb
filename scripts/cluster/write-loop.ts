import { Pool } from 'undici';
import { until } from './deadline.ts';

const PATIENCE_MS = 30_000;

/** Writers that each wait for their answer and go on, whatever it is. */
export class WriteLoop {
  readonly #pool: Pool;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #writers: Promise<void>[];
  #stopped = false;
  #acknowledged = 0;
  #lastMs = performance.now();
  #longestPauseMs = 0;

  constructor(url: string, token: string, writers: number) {
    this.#headers = { authorization: `Bearer ${token}` };
    this.#pool = new Pool(url, { connections: writers });
    this.#writers = Array.from({ length: writers }, (_, writer) => this.#write(writer));
  }

  get longestPauseMs(): number {
    return this.#longestPauseMs;
  }

  resetLongestPause(): void {
    this.#longestPauseMs = 0;
    this.#lastMs = performance.now();
  }

  acknowledges(count: number): Promise<true> {
    const goal = this.#acknowledged + count;
    return until('writes go on', PATIENCE_MS, () => this.#acknowledged >= goal);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#writers);
    await this.#pool.close();
  }

  async #write(writer: number): Promise<void> {
    // The same key each time: every range of the keyspace has writers, and none escapes to a healthy one.
    const path = `/v1/keyspaces/default/keys/${'ahmu'[writer % 4]}-${writer}`;
    const headers = this.#headers;
    while (!this.#stopped) {
      const { statusCode, body } = await this.#pool.request({ method: 'PUT', path, headers, body: 'x' });
      await body.dump();
      if (statusCode !== 200) continue;
      const nowMs = performance.now();
      this.#longestPauseMs = Math.max(this.#longestPauseMs, nowMs - this.#lastMs);
      this.#lastMs = nowMs;
      this.#acknowledged++;
    }
  }
}
