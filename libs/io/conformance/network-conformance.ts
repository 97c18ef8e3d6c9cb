import type { Listener, Network } from '@holdfast/io';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RecordedEnd } from './recorded-end.ts';
import { Signal, type World } from './world.ts';

/** A network under test, seen from two processes; the real one may be the same object twice. */
export interface NetworkWorld extends World {
  /** The side that listens. */
  readonly server: Network;
  /** The side that connects. */
  readonly client: Network;
  /** An address of the server's side that asks for a free port: `host:0`. */
  readonly anyAddress: string;
  /** Bytes that no implementation under test takes at once: above its high-water mark and what lies under way. */
  readonly floodBytes: number;
}

/** What every `Network` does while links are healthy. */
export function networkConformance(
  name: string,
  makeNetwork: () => NetworkWorld | Promise<NetworkWorld>,
): void {
  describe(`${name} as a Network`, () => {
    let world: NetworkWorld;
    beforeEach(async () => {
      world = await makeNetwork();
    });
    afterEach(() => world.end?.());
    const test = (title: string, body: (world: NetworkWorld) => Promise<void>): void => {
      it(title, () => world.run(body(world)));
    };
    listenTests(test);
    streamTests(test);
    pressureTests(test);
    closeTests(test);
  });
}

type Test = (title: string, body: (world: NetworkWorld) => Promise<void>) => void;

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** A listener, and the ends that it accepts. */
class Server {
  readonly listener: Listener;
  readonly #accepted: RecordedEnd[];
  readonly #signals: Signal<RecordedEnd>[];
  #taken = 0;

  private constructor(listener: Listener, accepted: RecordedEnd[], signals: Signal<RecordedEnd>[]) {
    this.listener = listener;
    this.#accepted = accepted;
    this.#signals = signals;
  }

  static async listen(world: NetworkWorld, address = world.anyAddress): Promise<Server> {
    const accepted: RecordedEnd[] = [];
    const signals: Signal<RecordedEnd>[] = [];
    const listener = await world.server.listen(address, (connection) => {
      const end = new RecordedEnd(connection);
      accepted.push(end);
      signals[accepted.length - 1]?.set(end);
    });
    return new Server(listener, accepted, signals);
  }

  get address(): string {
    return this.listener.address;
  }

  /** The next accepted end, in order. */
  next(): Promise<RecordedEnd> {
    const index = this.#taken++;
    const there = this.#accepted[index];
    if (there !== undefined) return Promise.resolve(there);
    const signal = new Signal<RecordedEnd>();
    this.#signals[index] = signal;
    return signal.promise;
  }
}

async function pair(world: NetworkWorld): Promise<{ server: Server; near: RecordedEnd; far: RecordedEnd }> {
  const server = await Server.listen(world);
  const near = new RecordedEnd(world.client.connect(server.address));
  const far = await server.next();
  await near.heard('open');
  await far.heard('open');
  return { server, near, far };
}

/** Waits until bytes have gone from the client to the server and back on a connection of their own. */
async function roundTrip(world: NetworkWorld, server: Server): Promise<void> {
  const near = new RecordedEnd(world.client.connect(server.address));
  const far = await server.next();
  far.onData = (chunk) => far.connection.write(chunk);
  near.connection.write(bytes('ping'));
  await near.received(4);
  near.connection.destroy();
  await far.heard('close');
}

function listenTests(test: Test): void {
  test('gives a real port for port 0, and tells who is there', async (world) => {
    const { server, near, far } = await pair(world);
    expect(server.address).toMatch(/:[1-9]\d*$/);
    expect(near.connection.remoteAddress).toBe(server.address);
    expect(far.connection.remoteAddress).toMatch(/:[1-9]\d*$/);
    expect([near.events, far.events]).toEqual([['open'], ['open']]);
  });

  test('refuses an address that is taken', async (world) => {
    const server = await Server.listen(world);
    const error = await world.server
      .listen(server.address, () => undefined)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'EADDRINUSE' });
  });

  test('stops accepting without touching what exists, and frees the address', async (world) => {
    const { server, near, far } = await pair(world);
    await server.listener.close();
    await server.listener.close();
    const refused = new RecordedEnd(world.client.connect(server.address));
    await refused.heard('close');
    expect(refused.closeCode).toBe('ECONNREFUSED');
    expect(refused.events).toEqual(['close']);
    near.connection.write(bytes('still here'));
    await far.received(10);
    const again = await Server.listen(world, server.address);
    await roundTrip(world, again);
    expect(far.events).toEqual(['open']);
  });

  test('reports a refused connection by its close, not by throwing', async (world) => {
    const server = await Server.listen(world);
    await server.listener.close();
    const connection = world.client.connect(server.address);
    const end = new RecordedEnd(connection);
    connection.write(bytes('lost'));
    await end.heard('close');
    expect(end.events).toEqual(['close']);
    expect(end.closeReason).toBeInstanceOf(Error);
    expect(connection.bytesQueued).toBe(0);
  });
}

function streamTests(test: Test): void {
  test('carries bytes in order in both directions', async (world) => {
    const { near, far } = await pair(world);
    let sent = '';
    for (let i = 0; i < 300; i++) {
      const part = `${i};`;
      sent += part;
      near.connection.write(bytes(part));
      far.connection.write(bytes(part.toUpperCase()));
    }
    await Promise.all([far.received(sent.length), near.received(sent.length)]);
    expect(far.text).toBe(sent);
    expect(near.text).toBe(sent);
  });

  test('sends what was written before the connection was open', async (world) => {
    const server = await Server.listen(world);
    const near = new RecordedEnd(world.client.connect(server.address));
    near.connection.write(bytes('early '));
    near.connection.write(bytes('bird'));
    expect(near.connection.bytesQueued).toBeLessThanOrEqual(10);
    const far = await server.next();
    await far.received(10);
    expect(far.text).toBe('early bird');
  });

  test('carries large and empty writes', async (world) => {
    const { near, far } = await pair(world);
    const large = Uint8Array.from({ length: 700_001 }, (_, i) => (i * 7) % 253);
    near.connection.write(bytes(''));
    near.connection.write(large);
    near.connection.write(bytes('end'));
    await far.received(large.length + 3);
    expect(Buffer.compare(far.bytes.subarray(0, large.length), large)).toBe(0);
    expect(far.length).toBe(large.length + 3);
  });

  test('answers from within onData, in order', async (world) => {
    const { near, far } = await pair(world);
    far.onData = (chunk) => far.connection.write(chunk);
    let sent = '';
    for (let i = 0; i < 50; i++) {
      near.connection.write(bytes(`${i},`));
      sent += `${i},`;
      if (i % 10 === 0) await near.received(sent.length);
    }
    await near.received(sent.length);
    expect(near.text).toBe(sent);
  });

  test('gives chunks away for good, as plain byte arrays', async (world) => {
    const { near, far } = await pair(world);
    let plain = true;
    far.onData = (chunk) => {
      plain &&= chunk.constructor === Uint8Array;
    };
    for (let i = 0; i < 20; i++) {
      near.connection.write(new Uint8Array(5_000).fill(i));
      await far.received((i + 1) * 5_000);
    }
    expect(plain).toBe(true);
    expect(Buffer.compare(far.bytesNow, far.bytes)).toBe(0);
  });

  test('never calls the handler inside start or write', async (world) => {
    const server = await Server.listen(world);
    const connection = world.client.connect(server.address);
    let inside = true;
    const calls: string[] = [];
    const opened = new Signal();
    connection.start({
      onOpen: () => {
        calls.push(inside ? 'nested open' : 'open');
        inside = true;
        for (let i = 0; i < 100; i++) connection.write(new Uint8Array(100));
        inside = false;
        opened.set();
      },
      onData: () => calls.push('data'),
      onDrain: () => calls.push(inside ? 'nested drain' : 'drain'),
      onClose: () => calls.push(inside ? 'nested close' : 'close'),
    });
    inside = false;
    const far = await server.next();
    await opened.promise;
    await far.received(10_000);
    inside = true;
    connection.destroy();
    inside = false;
    await far.heard('close');
    expect(calls.filter((call) => call.startsWith('nested'))).toEqual([]);
  });
}

function pressureTests(test: Test): void {
  test('asks to wait when too much is queued, and says when it drained', async (world) => {
    const { near, far } = await pair(world);
    far.connection.pause();
    let written = 0;
    const chunk = new Uint8Array(64 * 1024).fill(1);
    let more = true;
    while (written < world.floodBytes) {
      more = near.connection.write(chunk);
      written += chunk.length;
    }
    expect(more).toBe(false);
    expect(near.connection.bytesQueued).toBeGreaterThan(0);
    expect(near.connection.bytesQueued).toBeLessThanOrEqual(written);
    expect(near.events).toEqual(['open']);
    far.connection.resume();
    await near.heard('drain');
    await far.received(written);
    expect(far.length).toBe(written);
    await near.until(() => near.connection.bytesQueued === 0 || near.events.length > 1);
    expect(near.events).toEqual(['open', 'drain']);
    expect(near.connection.write(chunk)).toBe(true);
  });

  test('delivers nothing while paused, everything after', async (world) => {
    const { server, near, far } = await pair(world);
    far.connection.pause();
    near.connection.write(bytes('held back'));
    await roundTrip(world, server);
    expect(far.length).toBe(0);
    far.connection.resume();
    await far.received(9);
    expect(far.text).toBe('held back');
  });

  test('pauses from within onData', async (world) => {
    const { server, near, far } = await pair(world);
    far.onData = () => far.connection.pause();
    near.connection.write(bytes('a'));
    await far.received(1);
    near.connection.write(bytes('b'));
    await roundTrip(world, server);
    expect(far.text).toBe('a');
    far.connection.resume();
    await far.received(2);
    expect(far.text).toBe('ab');
  });

  test('may be paused before it is open', async (world) => {
    const server = await Server.listen(world);
    const connection = world.client.connect(server.address);
    const near = new RecordedEnd(connection);
    connection.pause();
    const far = await server.next();
    far.connection.write(bytes('hello'));
    await near.heard('open');
    await roundTrip(world, server);
    expect(near.length).toBe(0);
    connection.resume();
    await near.received(5);
  });
}

function closeTests(test: Test): void {
  test('sends what is queued before it closes, and closes both ends', async (world) => {
    const { near, far } = await pair(world);
    const large = new Uint8Array(2 * 1024 * 1024).fill(3);
    near.connection.write(large);
    near.connection.write(bytes('last words'));
    near.connection.close();
    near.connection.close();
    expect(near.connection.write(bytes('too late'))).toBe(false);
    await far.heard('close');
    await near.heard('close');
    expect(far.length).toBe(large.length + 10);
    expect([near.closeReason, far.closeReason]).toEqual([undefined, undefined]);
    expect([near.events, far.events]).toEqual([
      ['open', 'close'],
      ['open', 'close'],
    ]);
  });

  test('lets the other side send what it has queued when one side closes', async (world) => {
    const { near, far } = await pair(world);
    far.onData = () => far.connection.write(bytes('answer'));
    near.connection.write(bytes('question'));
    near.connection.close();
    await near.heard('close');
    await far.heard('close');
    expect(far.text).toBe('question');
  });

  test('destroys at once, with its reason on this side only', async (world) => {
    const { near, far } = await pair(world);
    near.connection.write(new Uint8Array(world.floodBytes));
    const reason = new Error('enough');
    near.connection.destroy(reason);
    near.connection.destroy(new Error('again'));
    expect(near.connection.bytesQueued).toBe(0);
    await near.heard('close');
    await far.heard('close');
    expect(near.closeReason).toBe(reason);
    expect(far.closeReason).not.toBe(reason);
    expect(near.events).toEqual(['open', 'close']);
    expect(near.connection.write(bytes('x'))).toBe(false);
    near.connection.close();
    near.connection.pause();
    near.connection.resume();
    near.connection.destroy();
    expect(near.events).toEqual(['open', 'close']);
  });

  test('destroys a connection that is not open yet', async (world) => {
    const server = await Server.listen(world);
    const near = new RecordedEnd(world.client.connect(server.address));
    near.connection.destroy();
    await near.heard('close');
    await roundTripAfterLoss(world, server);
    expect(near.events).toEqual(['close']);
  });

  test('closes from within its own callbacks', async (world) => {
    const { near, far } = await pair(world);
    far.onData = () => {
      far.connection.write(bytes('bye'));
      far.connection.close();
    };
    near.connection.write(bytes('go'));
    await near.heard('close');
    await far.heard('close');
    expect(near.text).toBe('bye');
  });

  test('survives both sides closing at once', async (world) => {
    const { near, far } = await pair(world);
    near.connection.write(bytes('to far'));
    far.connection.write(bytes('to near'));
    near.connection.close();
    far.connection.close();
    await near.heard('close');
    await far.heard('close');
    expect([near.events, far.events]).toEqual([
      ['open', 'close'],
      ['open', 'close'],
    ]);
  });
}

/** A round trip on a listener that may or may not have accepted an attempt which was given up. */
async function roundTripAfterLoss(world: NetworkWorld, server: Server): Promise<void> {
  const near = new RecordedEnd(world.client.connect(server.address));
  near.connection.write(bytes('x'));
  for (;;) {
    const far = await server.next();
    await far.until(() => far.length > 0 || far.events.includes('close'));
    if (far.length > 0) break;
  }
  near.connection.destroy();
}
