import { connect, type Socket } from 'node:net';
import { OutputQueue } from './output-queue.ts';

/** A gRPC call has ended: with its message, or without when it failed. */
export type CallDone = (message: Uint8Array | undefined) => void;

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME_HEAD_BYTES = 9;
const GRPC_HEAD_BYTES = 5;
const Frame = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const Setting = { headerTableSize: 1, initialWindowSize: 4 } as const;
const WINDOW_BYTES = 2 ** 30;
/** RFC 9113, 6.9.2. */
const WINDOW_BYTES_FIRST = 65_535;

class Call {
  readonly done: CallDone;
  /** What has come of the answer, gRPC's five bytes included. */
  answer: Uint8Array | undefined;

  constructor(done: CallDone) {
    this.done = done;
  }
}

/**
 * Unary gRPC calls over one HTTP/2 connection, as little of both as a load generator needs (RFC 9113): header blocks
 * are made once and refer to no table, what is sent in a turn leaves in one write, windows are wide open. A general
 * library costs several times more per call and would measure itself.
 *
 * A call counts as successful when its message came: a failed unary call has none.
 */
export class GrpcConnection {
  readonly #socket: Socket;
  readonly #out: OutputQueue;
  readonly #calls = new Map<number, Call>();
  readonly #opened: Promise<void>;
  #nextStream = 1;
  #input: Buffer = Buffer.alloc(0);
  #sendWindow = WINDOW_BYTES_FIRST;
  /** Requests that wait for the server to open its window. */
  #held: (() => void)[] = [];
  #received = 0;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#out = new OutputQueue(this.#socket);
    this.#socket.on('data', (chunk) => this.#read(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    this.#socket.on('close', () => this.#closed());
    this.#opened = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve);
      this.#socket.once('error', reject);
    });
    // Later errors end in `close`.
    this.#socket.on('error', () => undefined);
    this.#out.write(Buffer.from(PREFACE, 'latin1'));
    const settings = Buffer.alloc(12);
    settings.writeUInt16BE(Setting.headerTableSize, 0);
    settings.writeUInt32BE(0, 2);
    settings.writeUInt16BE(Setting.initialWindowSize, 6);
    settings.writeUInt32BE(WINDOW_BYTES, 8);
    this.#frame(Frame.settings, 0, 0, settings);
    this.#openWindow(WINDOW_BYTES);
  }

  /** Connected. */
  get isOpen(): boolean {
    return !this.#socket.destroyed && !this.#socket.connecting;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  opened(): Promise<void> {
    return this.#opened;
  }

  /** @param headers made by {@link requestHeaders}. */
  call(headers: Uint8Array, message: Uint8Array, done: CallDone): void {
    if (this.#socket.destroyed) {
      setImmediate(done, undefined);
      return;
    }
    if (this.#held.length > 0 || this.#sendWindow < message.length + GRPC_HEAD_BYTES) {
      this.#held.push(() => this.#send(headers, message, done));
      return;
    }
    this.#send(headers, message, done);
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(headers: Uint8Array, message: Uint8Array, done: CallDone): void {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#calls.set(stream, new Call(done));
    const dataBytes = GRPC_HEAD_BYTES + message.length;
    this.#sendWindow -= dataBytes;
    let at = this.#out.reserve(2 * FRAME_HEAD_BYTES + headers.length + dataBytes);
    const { buffer } = this.#out;
    writeFrameHead(buffer, at, headers.length, Frame.headers, END_HEADERS, stream);
    at += FRAME_HEAD_BYTES;
    buffer.set(headers, at);
    at += headers.length;
    writeFrameHead(buffer, at, dataBytes, Frame.data, END_STREAM, stream);
    at += FRAME_HEAD_BYTES;
    buffer[at] = 0;
    buffer.writeUInt32BE(message.length, at + 1);
    buffer.set(message, at + GRPC_HEAD_BYTES);
  }

  #read(chunk: Buffer): void {
    const input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    let at = 0;
    while (input.length - at >= FRAME_HEAD_BYTES) {
      const length = input.readUIntBE(at, 3);
      const end = at + FRAME_HEAD_BYTES + length;
      if (end > input.length) break;
      const stream = input.readUInt32BE(at + 5) & 0x7fff_ffff;
      this.#take(input[at + 3], input[at + 4], stream, input.subarray(at + FRAME_HEAD_BYTES, end));
      at = end;
    }
    this.#input = input.subarray(at);
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    switch (type) {
      case Frame.data: {
        this.#received += payload.length;
        if (this.#received > WINDOW_BYTES / 2) {
          this.#openWindow(this.#received);
          this.#received = 0;
        }
        const call = this.#calls.get(stream);
        if (call !== undefined) {
          call.answer = call.answer === undefined ? payload : Buffer.concat([call.answer, payload]);
        }
        break;
      }
      case Frame.reset:
        this.#end(stream, false);
        return;
      case Frame.settings:
        if ((flags & ACK) === 0) this.#frame(Frame.settings, ACK, 0, new Uint8Array(0));
        return;
      case Frame.ping:
        if ((flags & ACK) === 0) this.#frame(Frame.ping, ACK, 0, payload);
        return;
      case Frame.windowUpdate:
        if (stream === 0) this.#windowGrew(payload.readUInt32BE(0) & 0x7fff_ffff);
        return;
      case Frame.goAway:
        this.#socket.destroy();
        return;
    }
    if ((type === Frame.data || type === Frame.headers) && (flags & END_STREAM) !== 0)
      this.#end(stream, true);
  }

  #end(stream: number, inOrder: boolean): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    this.#calls.delete(stream);
    const { answer } = call;
    const whole =
      inOrder &&
      answer !== undefined &&
      answer.length >= GRPC_HEAD_BYTES &&
      Buffer.from(answer.buffer, answer.byteOffset).readUInt32BE(1) === answer.length - GRPC_HEAD_BYTES;
    call.done(whole ? answer.subarray(GRPC_HEAD_BYTES) : undefined);
  }

  #windowGrew(bytes: number): void {
    this.#sendWindow += bytes;
    const held = this.#held;
    this.#held = [];
    for (const send of held) send();
  }

  #openWindow(bytes: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(bytes, 0);
    this.#frame(Frame.windowUpdate, 0, 0, payload);
  }

  #frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const at = this.#out.reserve(FRAME_HEAD_BYTES + payload.length);
    writeFrameHead(this.#out.buffer, at, payload.length, type, flags, stream);
    this.#out.buffer.set(payload, at + FRAME_HEAD_BYTES);
  }

  #closed(): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.done(undefined);
  }
}

/**
 * A request's header block (RFC 7541): indexed fields of the static table, and literals that no table keeps.
 * @param path `/package.Service/Method`.
 */
export function requestHeaders(authority: string, path: string): Uint8Array {
  const METHOD_POST = 0x83;
  const SCHEME_HTTP = 0x86;
  const PATH_NAME = 0x04;
  const AUTHORITY_NAME = 0x01;
  const NEW_NAME = 0x00;
  return Buffer.concat([
    Uint8Array.of(METHOD_POST, SCHEME_HTTP, PATH_NAME),
    text(path),
    Uint8Array.of(AUTHORITY_NAME),
    text(authority),
    Uint8Array.of(NEW_NAME),
    text('content-type'),
    text('application/grpc'),
    Uint8Array.of(NEW_NAME),
    text('te'),
    text('trailers'),
  ]);
}

/** Without Huffman coding; shorter than 127 bytes. */
function text(value: string): Uint8Array {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
}

function writeFrameHead(
  buffer: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  buffer.writeUIntBE(length, at, 3);
  buffer[at + 3] = type;
  buffer[at + 4] = flags;
  buffer.writeUInt32BE(stream, at + 5);
}
