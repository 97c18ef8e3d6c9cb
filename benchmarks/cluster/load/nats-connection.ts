import { connect, type Socket } from 'node:net';
import { hostAndPort } from './address.ts';
import { OutputQueue } from './output-queue.ts';

/** The payload of the answer; undefined when the connection broke. */
export type ReplyDone = (payload: Buffer | undefined) => void;

const LINE_END = Buffer.from('\r\n', 'latin1');
let inboxes = 0;

/** Requests and replies over one connection to a NATS server: one subscription, an inbox subject per request. */
export class NatsConnection {
  readonly #socket: Socket;
  readonly #out: OutputQueue;
  readonly #inbox = `_INBOX.bench${process.pid}x${inboxes++}`;
  readonly #waiting = new Map<number, ReplyDone>();
  #nextId = 1;
  #input: Buffer = Buffer.alloc(0);

  constructor(address: string) {
    this.#socket = connect({ ...hostAndPort(address), noDelay: true });
    this.#out = new OutputQueue(this.#socket);
    this.#socket.on('data', (chunk) => this.#read(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      for (const done of this.#waiting.values()) done(undefined);
      this.#waiting.clear();
    });
    const options = '{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}';
    this.#out.write(Buffer.from(`CONNECT ${options}\r\nSUB ${this.#inbox}.* 1\r\n`));
  }

  request(subject: string, payload: Uint8Array, done: ReplyDone): void {
    const id = this.#nextId++;
    this.#waiting.set(id, done);
    this.#out.write(Buffer.from(`PUB ${subject} ${this.#inbox}.${id} ${payload.length}\r\n`, 'latin1'));
    this.#out.write(payload);
    this.#out.write(LINE_END);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    let at = 0;
    for (;;) {
      const lineEnd = input.indexOf(LINE_END, at);
      if (lineEnd < 0) break;
      const words = input.toString('latin1', at, lineEnd).split(' ');
      let end = lineEnd + LINE_END.length;
      if (words[0] === 'MSG' || words[0] === 'HMSG') {
        const total = Number(words.at(-1));
        const headerBytes = words[0] === 'HMSG' ? Number(words.at(-2)) : 0;
        const from = end + headerBytes;
        end += total;
        if (end + LINE_END.length > input.length) break;
        this.#answer(words[1] ?? '', input.subarray(from, end));
        end += LINE_END.length;
      } else if (words[0] === 'PING') {
        this.#out.write(Buffer.from('PONG\r\n', 'latin1'));
      }
      at = end;
    }
    this.#input = input.subarray(at);
  }

  #answer(subject: string, payload: Buffer): void {
    const id = Number(subject.slice(this.#inbox.length + 1));
    const done = this.#waiting.get(id);
    this.#waiting.delete(id);
    done?.(payload);
  }
}
