import { writeSync } from 'node:fs';

/** How often a full pipe is tried again before lines are dropped, and how long each time. */
const RETRIES_MAX = 20;
const RETRY_MS = 1;

type WriteBytes = (bytes: Uint8Array) => number;

const STANDARD_OUTPUT = 1;
const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes lines to standard output before it returns, so that a dying process has said why, and never holds the
 * process up: when nobody reads, lines are dropped and counted; when nobody will ever read again, all are.
 */
export class LineOutput {
  readonly #writeBytes: WriteBytes;
  /** The rest of a line of which a part has been written. */
  #rest: Uint8Array = new Uint8Array(0);
  #dropped = 0;
  #stalled = false;
  #closed = false;

  constructor(writeBytes: WriteBytes = (bytes) => writeSync(STANDARD_OUTPUT, bytes)) {
    this.#writeBytes = writeBytes;
  }

  /** Takes one line, with its line feed. */
  write(line: string): void {
    if (this.#closed) return;
    if (!this.#flush()) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) {
      const note = `{"level":"warn","time":"${new Date().toISOString()}","msg":"${this.#dropped} lines dropped: nobody read them"}\n`;
      this.#dropped = 0;
      this.#rest = Buffer.from(note + line);
    } else {
      this.#rest = Buffer.from(line);
    }
    this.#flush();
  }

  /** True when nothing is left to write. */
  #flush(): boolean {
    let retries = this.#stalled ? RETRIES_MAX : 0;
    while (this.#rest.length > 0 && !this.#closed) {
      try {
        this.#rest = this.#rest.subarray(this.#writeBytes(this.#rest));
        this.#stalled = false;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') this.#closed = true;
        else if (retries++ >= RETRIES_MAX) {
          this.#stalled = true;
          return false;
        } else Atomics.wait(pause, 0, 0, RETRY_MS);
      }
    }
    return true;
  }
}
