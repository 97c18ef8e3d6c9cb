/**
 * The peer of the regression gate: three processes that replicate and sync puts, and confirm gets with a round to a
 * quorum, in a few lines. No elections, no log that could be read again, no engine, no checksums: a floor of what the
 * machine, Node and the shape of the problem cost, against which our nodes are weighed. Never a store.
 *
 * `node reference-node.ts follower <port> <file>`
 * `node reference-node.ts leader <port> <file> <follower port>,<follower port>`
 */
import { fdatasync, fsyncSync, openSync, write, writeSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { OutputQueue } from '../load/output-queue.ts';
import {
  ANSWER_HEAD_BYTES,
  GET_BYTES,
  PUT_BYTES,
  RefOp,
  REQUEST_HEAD_BYTES,
  ROUND_ACK_BYTES,
  ROUND_HEAD_BYTES,
} from './reference-protocol.ts';

const FILE_BYTES = 16 * 1024 * 1024;
const HOST = '127.0.0.1';

/** A file of fixed size, filled before it is used, that is written in a circle. */
class Log {
  readonly #fd: number;
  #offset = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'w');
    writeSync(this.#fd, new Uint8Array(FILE_BYTES));
    fsyncSync(this.#fd);
  }

  append(bytes: Uint8Array, done: () => void): void {
    if (this.#offset + bytes.length > FILE_BYTES) this.#offset = 0;
    write(this.#fd, bytes, 0, bytes.length, this.#offset, (error) => {
      if (error !== null) throw error;
      fdatasync(this.#fd, (syncError) => {
        if (syncError !== null) throw syncError;
        done();
      });
    });
    this.#offset += bytes.length;
  }
}

/** Cuts a stream into messages: `take` returns how many bytes it used, 0 when it needs more. */
function onMessages(socket: Socket, take: (input: Buffer, at: number) => number): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    const chunk = typeof data === 'string' ? Buffer.from(data) : data;
    const input = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (let used = take(input, at); used > 0; used = take(input, at)) at += used;
    rest = input.subarray(at);
  });
}

function follower(port: number, log: Log): void {
  serve(port, (socket) => {
    const out = new OutputQueue(socket);
    onMessages(socket, (input, at) => {
      if (input.length - at < ROUND_HEAD_BYTES) return 0;
      const round = input.readUInt32LE(at);
      const bytes = input.readUInt32LE(at + 4);
      if (input.length - at < ROUND_HEAD_BYTES + bytes) return 0;
      const acknowledge = (): void => {
        const start = out.reserve(ROUND_ACK_BYTES);
        out.buffer.writeUInt32LE(round, start);
      };
      const from = at + ROUND_HEAD_BYTES;
      if (bytes === 0) acknowledge();
      else log.append(Buffer.from(input.subarray(from, from + bytes)), acknowledge);
      return ROUND_HEAD_BYTES + bytes;
    });
  });
}

interface Request {
  readonly id: number;
  readonly out: OutputQueue;
  readonly key: string;
  /** Undefined for a get. */
  readonly value: Uint8Array | undefined;
}

/** One round at a time: what arrives meanwhile is the next round. */
class Leader {
  readonly #log: Log;
  readonly #followers: readonly OutputQueue[];
  readonly #values = new Map<string, Uint8Array>();
  #collecting: { readonly request: Request; readonly bytes: Uint8Array }[] = [];
  #running: readonly Request[] = [];
  #round = 0;
  #acknowledged = 0;
  #synced = true;
  #planned = false;

  constructor(log: Log, followerPorts: readonly number[]) {
    this.#log = log;
    this.#followers = followerPorts.map((port) => {
      const socket = connect({ host: HOST, port, noDelay: true });
      onMessages(socket, (input, at) => {
        if (input.length - at < ROUND_ACK_BYTES) return 0;
        if (input.readUInt32LE(at) === this.#round) {
          this.#acknowledged++;
          this.#finish();
        }
        return ROUND_ACK_BYTES;
      });
      return new OutputQueue(socket);
    });
  }

  accept(socket: Socket): void {
    const out = new OutputQueue(socket);
    onMessages(socket, (input, at) => {
      if (input.length - at < GET_BYTES) return 0;
      const isPut = input[at + 4] === RefOp.put;
      const length = isPut ? PUT_BYTES : GET_BYTES;
      if (input.length - at < length) return 0;
      const bytes = input.subarray(at, at + length);
      const request: Request = {
        id: input.readUInt32LE(at),
        out,
        key: bytes.toString('latin1', REQUEST_HEAD_BYTES, GET_BYTES),
        value: isPut ? Buffer.from(bytes.subarray(GET_BYTES)) : undefined,
      };
      this.#collecting.push({ request, bytes });
      this.#plan();
      return length;
    });
  }

  #plan(): void {
    if (this.#planned || this.#running.length > 0) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#collecting.length === 0) return;
    const collected = this.#collecting;
    this.#collecting = [];
    this.#running = collected.map(({ request }) => request);
    this.#round++;
    this.#acknowledged = 0;
    const puts = Buffer.concat(
      collected.filter(({ request }) => request.value !== undefined).map(({ bytes }) => bytes),
    );
    for (const out of this.#followers) {
      const at = out.reserve(ROUND_HEAD_BYTES + puts.length);
      out.buffer.writeUInt32LE(this.#round, at);
      out.buffer.writeUInt32LE(puts.length, at + 4);
      out.buffer.set(puts, at + ROUND_HEAD_BYTES);
    }
    this.#synced = puts.length === 0;
    if (this.#synced) return;
    this.#log.append(puts, () => {
      this.#synced = true;
      this.#finish();
    });
  }

  /** A quorum is two of three: this process and the first follower. */
  #finish(): void {
    if (this.#running.length === 0 || !this.#synced || this.#acknowledged === 0) return;
    for (const { id, out, key, value } of this.#running) {
      if (value !== undefined) this.#values.set(key, value);
      const answer = value === undefined ? this.#values.get(key) : undefined;
      const at = out.reserve(ANSWER_HEAD_BYTES + (answer?.length ?? 0));
      out.buffer.writeUInt32LE(id, at);
      out.buffer.writeUInt32LE(answer?.length ?? 0, at + 4);
      if (answer !== undefined) out.buffer.set(answer, at + ANSWER_HEAD_BYTES);
    }
    this.#running = [];
    this.#plan();
  }
}

function serve(port: number, accept: (socket: Socket) => void): void {
  createServer({ noDelay: true }, accept).listen(port, HOST);
}

const [role, port, file, followers = ''] = process.argv.slice(2);
if (port === undefined || file === undefined)
  throw new Error('usage: reference-node.ts <role> <port> <file>');
const log = new Log(file);
if (role === 'follower') follower(Number(port), log);
else {
  const leader = new Leader(log, followers.split(',').map(Number));
  serve(Number(port), (socket) => leader.accept(socket));
}
process.on('disconnect', () => process.exit(0));
