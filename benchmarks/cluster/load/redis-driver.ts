import { connect, type Socket } from 'node:net';
import { type OpName, VALUE_BYTES } from '../workloads.ts';
import { hostAndPort } from './address.ts';
import type { Done, Driver } from './driver.ts';
import { type Keys, VALUE } from './keys.ts';
import { OutputQueue } from './output-queue.ts';

const CR = 13;
const DOLLAR = 36;
const MINUS = 45;

/** One connection to Redis: commands in a row, answers in the same order. */
class RedisConnection {
  readonly #socket: Socket;
  readonly #out: OutputQueue;
  readonly #waiting: { readonly done: Done; readonly wantsValue: boolean }[] = [];
  #head = 0;
  #input: Buffer = Buffer.alloc(0);

  constructor(address: string) {
    this.#socket = connect({ ...hostAndPort(address), noDelay: true });
    this.#out = new OutputQueue(this.#socket);
    this.#socket.on('data', (chunk) => this.#read(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      for (const { done } of this.#waiting.splice(this.#head)) done('the connection broke');
    });
  }

  send(command: Uint8Array, wantsValue: boolean, done: Done): void {
    this.#waiting.push({ done, wantsValue });
    this.#out.write(command);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    let at = 0;
    while (at < input.length) {
      const lineEnd = input.indexOf(CR, at);
      if (lineEnd < 0 || lineEnd + 2 > input.length) break;
      let end = lineEnd + 2;
      let valueBytes = -1;
      if (input[at] === DOLLAR) {
        valueBytes = Number(input.toString('latin1', at + 1, lineEnd));
        if (valueBytes >= 0) end += valueBytes + 2;
        if (end > input.length) break;
      }
      this.#answer(input[at] === MINUS ? input.toString('latin1', at, lineEnd) : undefined, valueBytes);
      at = end;
    }
    this.#input = input.subarray(at);
  }

  #answer(error: string | undefined, valueBytes: number): void {
    const { done, wantsValue } = this.#waiting[this.#head++];
    if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    if (error !== undefined) done(error);
    else done(!wantsValue || valueBytes === VALUE_BYTES ? undefined : 'not the value that was written');
  }
}

/** Redis: a connection for each logical client, or one that all share and that pipelines by itself. */
export class RedisDriver implements Driver {
  readonly #address: string;
  readonly #shared: boolean;
  readonly #set: readonly Uint8Array[];
  readonly #get: readonly Uint8Array[];
  readonly #connections: RedisConnection[] = [];

  constructor(address: string, shared: boolean, keys: Keys) {
    this.#address = address;
    this.#shared = shared;
    this.#set = keys.bytes.map((key) => command(Buffer.from('SET'), key, VALUE));
    this.#get = keys.bytes.map((key) => command(Buffer.from('GET'), key));
  }

  connect(clients: number): Promise<void> {
    const count = this.#shared ? 1 : clients;
    while (this.#connections.length < count) this.#connections.push(new RedisConnection(this.#address));
    return Promise.resolve();
  }

  start(client: number, op: OpName, key: number, done: Done): void {
    const connection = this.#connections[this.#shared ? 0 : client];
    if (op === 'put') connection.send(this.#set[key], false, done);
    else connection.send(this.#get[key], true, done);
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

function command(...words: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) parts.push(Buffer.from(`$${word.length}\r\n`), word, Buffer.from('\r\n'));
  return Buffer.concat(parts);
}
