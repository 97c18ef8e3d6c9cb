import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import { type Clock, shareable } from '@holdfast/io';
import { HoldfastError, type Outcome } from '@holdfast/wire';
import { realPlatform, startThread } from '../platform.ts';
import {
  BELL_BYTES,
  BELL_ENDED,
  BELL_NEWS,
  errorOf,
  type SyncCall,
  type SyncConnectOptions,
  type SyncReply,
  type SyncRequest,
  type SyncResults,
  type SyncWorkerData,
} from './sync-protocol.ts';

/** Beyond its deadline, a call waits this long for the verdict of the client in the thread, in milliseconds. */
const GRACE_MS = 500;
/** From nothing to a thread that has loaded its modules, in milliseconds. */
const START_MS_MAX = 10_000;
const CLOSE_MS_MAX = 1000;

/**
 * A client in a thread of its own, and this thread asleep while it works. `Atomics.wait` really stops this thread:
 * no timer, socket or promise of it moves, so a server must not do this.
 */
export class SyncThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #bells: Int32Array;
  readonly #clock: Clock = realPlatform().clock;
  #lastId = 0;
  #closed = false;

  /** Starts the thread and waits until its client is ready. @throws what `connect` throws. */
  constructor(target: string, options: SyncConnectOptions, deadlineMs: number) {
    const bell = shareable(new SharedArrayBuffer(BELL_BYTES));
    this.#bells = new Int32Array(bell);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = startThread<SyncWorkerData>(import.meta.url, './sync-worker', { target, options, bell });
    // A script that is done ends, whether or not it has said goodbye.
    this.#worker.unref();
    this.#port.unref();
    this.#worker.postMessage(port2, [port2]);
    try {
      this.#resultOf(this.#wait(0, START_MS_MAX + deadlineMs), 'not_applied', 'no client within its time');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Sends a call and sleeps until it has its answer, or has none in time.
   *
   * @throws HoldfastError as the asynchronous client does; `HF_TIMEOUT` with an honest outcome when not even that answers.
   */
  call<C extends SyncCall>(keyspace: string, call: C, deadlineMs: number): SyncResults[C['name']] {
    if (this.#closed) throw closedError();
    const id = ++this.#lastId;
    this.#send({ id, keyspace, call });
    const reply = this.#wait(id, deadlineMs + GRACE_MS);
    const outcome = call.name === 'get' || call.name === 'scan' ? 'not_applied' : 'unknown';
    return this.#resultOf(
      reply,
      outcome,
      'the thread of the client does not answer',
    ) as SyncResults[C['name']];
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const id = ++this.#lastId;
    this.#send({ id, call: { name: 'close' } });
    this.#wait(id, CLOSE_MS_MAX);
    this.#port.close();
    void this.#worker.terminate();
  }

  #send(request: SyncRequest): void {
    this.#port.postMessage(request);
  }

  /** The reply to one request; replies to earlier ones, which nobody waited for to the end, are dropped. */
  #wait(id: number, timeoutMs: number): SyncReply | 'ended' | undefined {
    const untilMs = this.#clock.monotonicMs() + timeoutMs;
    for (;;) {
      // Read before the port is: what is posted later changes it, and the wait below does not begin.
      const news = Atomics.load(this.#bells, BELL_NEWS);
      for (
        let got = receiveMessageOnPort(this.#port);
        got !== undefined;
        got = receiveMessageOnPort(this.#port)
      ) {
        const reply = got.message as SyncReply;
        if (reply.id === id) return reply;
      }
      if (Atomics.load(this.#bells, BELL_ENDED) === 1) return 'ended';
      const leftMs = untilMs - this.#clock.monotonicMs();
      if (leftMs <= 0) return undefined;
      Atomics.wait(this.#bells, BELL_NEWS, news, leftMs);
    }
  }

  #resultOf(reply: SyncReply | 'ended' | undefined, outcome: Outcome, silence: string): unknown {
    if (reply === 'ended') {
      throw new HoldfastError('HF_CANCELLED', { outcome, detail: 'the thread of the client has ended' });
    }
    if (reply === undefined) throw new HoldfastError('HF_TIMEOUT', { outcome, detail: silence });
    if ('failure' in reply) throw errorOf(reply.failure);
    return reply.result;
  }
}

function closedError(): HoldfastError {
  return new HoldfastError('HF_CANCELLED', { outcome: 'not_applied', detail: 'the client is closed' });
}
