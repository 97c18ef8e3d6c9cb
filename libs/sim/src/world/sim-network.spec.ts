import { type Connection, type ConnectionHandler, Prng } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { LAN } from './network-link.ts';
import { Machine } from './machine.ts';
import { Scheduler } from './scheduler.ts';
import { SimNetwork } from './sim-network.ts';

/** Two machines; the first connects to the second, and both ends write down what they hear. */
function pair(seed: number) {
  const scheduler = new Scheduler();
  const network = new SimNetwork(scheduler, seed, LAN);
  const [a, b] = ['a', 'b'].map(
    (host, i) => new Machine(scheduler, network, i + 1, { host, seed: seed + i }),
  ) as [Machine, Machine];
  const ends = { a: recorder(), b: recorder() };
  const serve = async (echo = false): Promise<void> => {
    const environment = b.start();
    await environment.network.listen('b:1', (connection) => ends.b.take(connection, echo));
  };
  const connect = (): Connection => {
    const connection = (
      a.process === undefined ? a.start() : { network: network.of(a.process) }
    ).network.connect('b:1');
    ends.a.take(connection);
    return connection;
  };
  const run = (ms: number) => scheduler.runUntil(scheduler.nowUs + ms * 1000);
  return { scheduler, network, a, b, ends, serve, connect, run };
}

function recorder() {
  const heard = { log: [] as string[], text: '', chunks: 0, connection: undefined as Connection | undefined };
  const take = (connection: Connection, echo = false): void => {
    heard.connection = connection;
    const handler: ConnectionHandler = {
      onOpen: () => heard.log.push('open'),
      onData: (chunk) => {
        heard.text += String.fromCharCode(...chunk);
        heard.chunks++;
        if (echo) connection.write(chunk);
      },
      onDrain: () => heard.log.push('drain'),
      onClose: (reason) =>
        heard.log.push(`close ${(reason as { code?: string } | undefined)?.code ?? ''}`.trim()),
    };
    connection.start(handler);
  };
  return Object.assign(heard, { take });
}

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe('SimNetwork', () => {
  it('carries bytes in order both ways, merged and split', async () => {
    const { ends, serve, connect, run } = pair(1);
    await serve(true);
    const connection = connect();
    let sent = '';
    for (let i = 0; i < 200; i++) {
      const part = `${i},`;
      sent += part;
      connection.write(bytes(part));
      if (i % 10 === 0) await run(1);
    }
    await run(100);
    expect(ends.b.text).toBe(sent);
    expect(ends.a.text).toBe(sent);
    expect(ends.a.log).toEqual(['open']);
    expect(ends.b.chunks).toBeLessThan(120);
  });

  it('delivers everything before a close, and closes both ends', async () => {
    const { ends, serve, connect, run } = pair(2);
    await serve();
    const connection = connect();
    await run(10);
    connection.write(bytes('last words'));
    connection.close();
    await run(10);
    expect([ends.a.log, ends.b.log, ends.b.text]).toEqual([
      ['open', 'close'],
      ['open', 'close'],
      'last words',
    ]);
  });

  it('refuses where nobody listens and times out where nobody is', async () => {
    const { b, ends, connect, run } = pair(3);
    connect();
    await run(10);
    expect(ends.a.log).toEqual(['close ECONNREFUSED']);
    b.start();
    b.kill('power');
    connect();
    await run(130_000);
    expect(ends.a.log).toEqual(['close ECONNREFUSED', 'close ETIMEDOUT']);
  });

  it('tells the peer of a killed process, but not of a power loss until the machine is back', async () => {
    for (const death of ['kill', 'power'] as const) {
      const { b, ends, serve, connect, run } = pair(4);
      await serve();
      const connection = connect();
      await run(10);
      b.kill(death);
      await run(1_000);
      expect(ends.a.log.length).toBe(death === 'kill' ? 2 : 1);
      b.start();
      connection.write(bytes('hello?'));
      await run(1_000);
      expect(ends.a.log.length).toBe(2);
      expect(ends.b.log).toEqual(['open']);
    }
  });

  it('holds bytes back in a partition and delivers them when it heals', async () => {
    const { network, ends, serve, connect, run } = pair(5);
    await serve();
    const connection = connect();
    await run(10);
    network.partition(['a'], ['b']);
    connection.write(bytes('early'));
    await run(3_000);
    expect([ends.b.text, ends.a.log]).toEqual(['', ['open']]);
    network.healAll();
    connection.write(bytes(' late'));
    await run(5_000);
    expect(ends.b.text).toBe('early late');
  });

  it('carries one direction through an asymmetric cut', async () => {
    const { network, ends, serve, connect, run } = pair(6);
    await serve(true);
    const connection = connect();
    await run(10);
    network.link('b', 'a').sever();
    connection.write(bytes('ping'));
    await run(1_000);
    expect([ends.b.text, ends.a.text]).toEqual(['ping', '']);
    network.healAll();
    await run(1_000);
    expect(ends.a.text).toBe('ping');
  });

  it('pushes back when the reader pauses, and drains when it resumes', async () => {
    const { ends, serve, connect, run } = pair(7);
    await serve();
    const connection = connect();
    await run(10);
    ends.b.connection!.pause();
    let written = 0;
    while (connection.write(new Uint8Array(10_000))) written += 10_000;
    await run(100);
    expect(connection.bytesQueued).toBeGreaterThan(0);
    expect(ends.b.text.length).toBe(0);
    ends.b.connection!.resume();
    await run(100);
    expect(ends.a.log).toEqual(['open', 'drain']);
    expect(ends.b.text.length).toBe(written + 10_000);
  });

  it('breaks connections and corrupts bytes on demand', async () => {
    const { network, ends, serve, connect, run } = pair(8);
    await serve();
    const connection = connect();
    await run(10);
    network.link('a', 'b').corruption = 1;
    connection.write(bytes('aaaa'));
    await run(10);
    expect(ends.b.text).not.toBe('aaaa');
    expect(network.counters.corrupted).toBe(1);
    expect(network.breakConnections((from) => from === 'b')).toBe(1);
    await run(10);
    expect([ends.a.log, ends.b.log]).toEqual([
      ['open', 'close ECONNRESET'],
      ['open', 'close ECONNRESET'],
    ]);
  });

  it('is the same for the same seed and another for another', async () => {
    const run = async (seed: number) => {
      const world = pair(seed);
      const random = new Prng(seed);
      await world.serve(true);
      const connection = world.connect();
      for (let i = 0; i < 50; i++) {
        connection.write(new Uint8Array(random.nextU32() % 3000).fill(i));
        await world.run(1);
        if (i === 20) world.a.process!.pause();
        if (i === 30) world.a.process!.resume();
      }
      return world.scheduler.hash;
    };
    expect(await run(9)).toBe(await run(9));
    expect(await run(9)).not.toBe(await run(10));
  });
});
