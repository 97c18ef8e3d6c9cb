import { once } from 'node:events';
import thread from 'node:process';
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { assert } from '@holdfast/io';
import type { Client } from '../../api/client.ts';
import { bytes } from '../../api/codec.ts';
import type { Row } from '../../api/scan.ts';
import { connect } from '../connect.ts';
import {
  BELL_ENDED,
  BELL_NEWS,
  failureOf,
  type SyncCall,
  type SyncReply,
  type SyncRequest,
  type SyncResults,
  type SyncWorkerData,
} from './sync-protocol.ts';

/**
 * The thread behind `connectSync`: an ordinary client whose calls come as messages. Each reply is posted first and the
 * bell rung second, so that whoever wakes up finds it.
 */
class SyncWorker {
  readonly #client: Client;
  readonly #reply: (reply: SyncReply) => void;

  constructor(client: Client, reply: (reply: SyncReply) => void) {
    this.#client = client;
    this.#reply = reply;
  }

  async handle(request: SyncRequest): Promise<void> {
    const { id } = request;
    try {
      if ('keyspace' in request)
        this.#reply({ id, result: await this.#perform(request.keyspace, request.call) });
      else this.#reply({ id, result: await this.#client.close() });
    } catch (error) {
      this.#reply({ id, failure: failureOf(error) });
    }
  }

  #perform(keyspace: string, call: SyncCall): Promise<SyncResults[keyof SyncResults]> {
    const blobs = this.#client.keyspace(keyspace, bytes);
    switch (call.name) {
      case 'get':
        return blobs.get(call.key, call.options);
      case 'set':
        return blobs.set(call.key, call.value, call.options);
      case 'delete':
        return blobs.delete(call.key, call.options);
      case 'compareAndSet':
        return blobs.compareAndSet(call.key, call.value, call.options);
      case 'increment':
        return blobs.increment(call.key, call.delta, call.options);
      case 'scan':
        return this.#scan(keyspace, call.options);
    }
  }

  async #scan(
    keyspace: string,
    { consistency, maxStalenessMs, minRevision, revision, ...rest }: (SyncCall & { name: 'scan' })['options'],
  ): Promise<readonly Row<Uint8Array | undefined>[]> {
    const rows: Row<Uint8Array | undefined>[] = [];
    const options = {
      ...rest,
      pageSize: Math.max(1, rest.limit),
      ...(consistency !== undefined && { consistency }),
      ...(maxStalenessMs !== undefined && { maxStalenessMs }),
      ...(minRevision !== undefined && { minRevision }),
      ...(revision !== undefined && { revision }),
    };
    for await (const row of this.#client.keyspace(keyspace, bytes).scan(options)) rows.push(row);
    return rows;
  }
}

async function main(): Promise<void> {
  assert(!isMainThread && parentPort !== null, 'started as a thread');
  const { target, options, bell } = workerData as SyncWorkerData;
  const bells = new Int32Array(bell);
  const ring = (): void => {
    Atomics.add(bells, BELL_NEWS, 1);
    Atomics.notify(bells, BELL_NEWS);
  };
  thread.once('exit', () => {
    Atomics.store(bells, BELL_ENDED, 1);
    ring();
  });
  const [port] = (await once(parentPort, 'message')) as [MessagePort];
  const reply = (message: SyncReply): void => {
    port.postMessage(message);
    ring();
  };
  try {
    const worker = new SyncWorker(await connect(target, options), reply);
    port.on('message', (request: SyncRequest) => void worker.handle(request));
    reply({ id: 0, result: undefined });
  } catch (error) {
    reply({ id: 0, failure: failureOf(error) });
  }
}

await main();
