import { request } from 'node:http';

/** One server-sent event. */
export interface SentEvent {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** Reads a stream of server-sent events as a browser's EventSource would: fields, comments, ids that stay. */
export class EventReader {
  readonly events: SentEvent[] = [];
  readonly status: Promise<number>;
  /** Ends with the stream, whoever ends it. */
  readonly closed: Promise<void>;
  contentType: string | undefined;
  lastId = '';
  readonly #cancel: () => void;
  readonly #waiting = new Set<() => void>();
  #rest = '';

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    const outgoing = request(url, { headers });
    this.#cancel = () => outgoing.destroy();
    let close: () => void = () => undefined;
    this.closed = new Promise((resolve) => (close = resolve));
    this.status = new Promise((resolve, reject) => {
      outgoing.on('error', (error) => {
        reject(error);
        close();
      });
      outgoing.on('response', (response) => {
        this.contentType = response.headers['content-type'];
        resolve(response.statusCode ?? 0);
        response.setEncoding('utf8');
        response.on('data', (text: string) => this.#read(text));
        response.on('error', () => undefined);
        response.on('close', close);
      });
    });
    this.status.catch(() => undefined);
    outgoing.end();
  }

  /** Changes, without progress marks. */
  get changes(): readonly SentEvent[] {
    return this.events.filter(({ event }) => ['put', 'delete', 'expire'].includes(event));
  }

  /** Resolves when `holds` does; looked at whenever something has come. */
  async until(holds: () => boolean, what: string, patienceMs = 30_000): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!holds()) {
      if (Date.now() > deadline) throw new Error(`${what}: not within ${patienceMs} ms`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, 500);
        this.#waiting.add(wake);
      });
    }
  }

  close(): void {
    this.#cancel();
  }

  #read(text: string): void {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      let event = 'message';
      const data: string[] = [];
      for (const line of block.split('\n')) {
        if (line.startsWith('event: ')) event = line.slice(7);
        else if (line.startsWith('id: ')) this.lastId = line.slice(4);
        else if (line.startsWith('data: ')) data.push(line.slice(6));
      }
      if (data.length > 0) this.events.push({ event, id: this.lastId, data: data.join('\n') });
    }
    for (const wake of this.#waiting) wake();
  }
}
