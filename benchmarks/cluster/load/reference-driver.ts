import { connect, type Socket } from 'node:net';
import {
  ANSWER_HEAD_BYTES,
  GET_BYTES,
  PUT_BYTES,
  RefOp,
  REQUEST_HEAD_BYTES,
} from '../gate/reference-protocol.ts';
import { type OpName, VALUE_BYTES } from '../workloads.ts';
import { hostAndPort } from './address.ts';
import type { Done, Driver } from './driver.ts';
import { type Keys, VALUE } from './keys.ts';
import { OutputQueue } from './output-queue.ts';

/** The gate's reference server: all logical clients share one connection. */
export class ReferenceDriver implements Driver {
  readonly #keys: Keys;
  readonly #socket: Socket;
  readonly #out: OutputQueue;
  readonly #waiting = new Map<number, { readonly done: Done; readonly isPut: boolean }>();
  #nextId = 1;
  #input: Buffer = Buffer.alloc(0);

  constructor(address: string, keys: Keys) {
    this.#keys = keys;
    this.#socket = connect({ ...hostAndPort(address), noDelay: true });
    this.#out = new OutputQueue(this.#socket);
    this.#socket.on('data', (chunk) => this.#read(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      for (const { done } of this.#waiting.values()) done('the connection broke');
      this.#waiting.clear();
    });
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  start(_client: number, op: OpName, key: number, done: Done): void {
    const isPut = op === 'put';
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    this.#waiting.set(id, { done, isPut });
    const at = this.#out.reserve(isPut ? PUT_BYTES : GET_BYTES);
    const { buffer } = this.#out;
    buffer.writeUInt32LE(id, at);
    buffer.writeUInt32LE(isPut ? RefOp.put : RefOp.get, at + 4);
    buffer.set(this.#keys.bytes[key], at + REQUEST_HEAD_BYTES);
    if (isPut) buffer.set(VALUE, at + GET_BYTES);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    let at = 0;
    while (input.length - at >= ANSWER_HEAD_BYTES) {
      const bytes = input.readUInt32LE(at + 4);
      if (input.length - at < ANSWER_HEAD_BYTES + bytes) break;
      const id = input.readUInt32LE(at);
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      waiting?.done(waiting.isPut || bytes === VALUE_BYTES ? undefined : 'not the value that was written');
      at += ANSWER_HEAD_BYTES + bytes;
    }
    this.#input = input.subarray(at);
  }
}
