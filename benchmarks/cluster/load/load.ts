/**
 * The load generator: a process of its own, driven by messages of its parent (`protocol.ts`). One per system, so that
 * its CPU time can be told apart from that of the servers.
 */
import { Prng } from '@holdfast/io';
import { isProfileRequest, Profiling, type ProfileRequest } from '../profiling.ts';
import { runClosedLoop } from './closed-loop.ts';
import type { Driver } from './driver.ts';
import { makeDriver } from './drivers.ts';
import { Keys } from './keys.ts';
import { probe } from './probe.ts';
import type { LoadReply, LoadRequest, LoadTarget } from './protocol.ts';

const PREPARE_CLIENTS = 64;

interface Prepared {
  readonly driver: Driver;
  readonly keys: Keys;
}

let prepared: Prepared | undefined;
const random = new Prng(42);

const profiling = new Profiling();

process.on('message', (request: LoadRequest | ProfileRequest) => {
  const handled = isProfileRequest(request) ? profiling.handle(request) : handle(request);
  handled.catch((error: unknown) => {
    reply({ type: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
process.on('disconnect', () => process.exit(0));

function reply(message: LoadReply): void {
  process.send?.(message);
}

async function handle(request: LoadRequest): Promise<void> {
  if (request.type === 'prepare') {
    prepared = await prepare(request.target, request.keys);
    reply({ type: 'prepared' });
    return;
  }
  if (request.type === 'end') {
    prepared?.driver.close();
    process.exit(0);
  }
  if (prepared === undefined) throw new Error('prepare comes first');
  const { driver, keys } = prepared;
  const measuring = (): void => reply({ type: 'measuring' });
  reply(
    request.type === 'run'
      ? await runClosedLoop(driver, random, keys.count, request, measuring)
      : await probe(driver, keys, request.everyMs, request.seconds, measuring),
  );
}

/** Connects and writes every key once. */
async function prepare(target: LoadTarget, count: number): Promise<Prepared> {
  const keys = new Keys(count);
  const driver = makeDriver(target, keys);
  await driver.connect(PREPARE_CLIENTS);
  let next = 0;
  const writer = async (client: number): Promise<void> => {
    while (next < keys.count) {
      const key = next++;
      let error = await put(driver, client, key);
      // A cluster that has just started may still be choosing its leaders.
      for (let attempt = 0; error !== undefined && attempt < 20; attempt++) {
        await new Promise((resolve) => setTimeout(resolve, 250));
        error = await put(driver, client, key);
      }
      if (error !== undefined) throw new Error(`a key cannot be written: ${error}`);
    }
  };
  await Promise.all(Array.from({ length: PREPARE_CLIENTS }, (_, client) => writer(client)));
  return { driver, keys };
}

function put(driver: Driver, client: number, key: number): Promise<string | undefined> {
  return new Promise((resolve) => driver.start(client, 'put', key, resolve));
}
