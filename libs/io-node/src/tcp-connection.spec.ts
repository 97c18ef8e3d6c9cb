import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { RecordedEnd } from '@holdfast/io/conformance';
import { afterEach, describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from './tcp-address.ts';
import { TcpNetwork } from './tcp-network.ts';

/** A plain socket at the far end: peers that do what no `Connection` does. */
async function rawPeer(): Promise<{ server: Server; address: string; accepted: Promise<Socket> }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection').then(([socket]) => socket as Socket);
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}`, accepted };
}

describe('TcpConnection', () => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0)) cleanup();
  });
  const open = async (limits = {}) => {
    const { server, address, accepted } = await rawPeer();
    const network = new TcpNetwork(limits);
    const end = new RecordedEnd(network.connect(address));
    const peer = await accepted;
    peer.on('error', () => undefined);
    cleanups.push(() => {
      network.destroyAll();
      peer.destroy();
      server.close();
    });
    await end.heard('open');
    return { end, peer, network };
  };

  it('sends everything written in one turn, and from its deferred tasks, in one piece', async () => {
    const { end, peer } = await open();
    for (let i = 0; i < 100; i++) end.connection.write(Uint8Array.of(i));
    setImmediate(() => end.connection.write(Uint8Array.of(100)));
    peer.resume();
    const [chunk] = (await once(peer, 'data')) as [Buffer];
    expect(chunk.length).toBeGreaterThanOrEqual(100);
  });

  it('gives up on an attempt that nobody answers', async () => {
    // TEST-NET-1 (RFC 5737): no route or no answer, by the machine's choice.
    const network = new TcpNetwork({ connectMs: 5 });
    const end = new RecordedEnd(network.connect('192.0.2.1:9'));
    await end.heard('close');
    expect(end.events).toEqual(['close']);
    expect(end.closeReason).toBeInstanceOf(Error);
    expect(network.connections).toBe(0);
  });

  it('closes within its linger time a peer that never reads and never closes', async () => {
    const { end, network } = await open({ lingerMs: 20 });
    end.connection.write(new Uint8Array(32 * 1024 * 1024));
    end.connection.close();
    await end.heard('close');
    expect(end.events).toEqual(['open', 'close']);
    expect(network.connections).toBe(0);
  });

  it('closes within its linger time when the peer reads but keeps its side open', async () => {
    const { end, peer } = await open({ lingerMs: 20 });
    peer.resume();
    end.connection.close();
    await once(peer, 'end');
    await end.heard('close');
    expect(end.closeReason).toBeUndefined();
  });

  it('answers a half-closed peer before it closes its own side', async () => {
    const { end, peer } = await open();
    let answer = 0;
    peer.on('data', (data: Buffer) => (answer += data.length));
    peer.resume();
    peer.end('question');
    end.onData = () => end.connection.write(new Uint8Array(300_000));
    await once(peer, 'end');
    await end.heard('close');
    expect(answer).toBe(300_000);
  });

  it('reports a reset with its code', async () => {
    const { end, peer } = await open();
    peer.resetAndDestroy();
    await end.heard('close');
    expect(end.closeCode).toBe('ECONNRESET');
  });

  it('counts what waits, also behind a write that is under way', async () => {
    const { end, peer } = await open();
    const chunk = new Uint8Array(8 * 1024 * 1024);
    expect(end.connection.write(chunk)).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(end.connection.write(chunk)).toBe(false);
    expect(end.connection.bytesQueued).toBeGreaterThanOrEqual(chunk.length);
    let received = 0;
    peer.on('data', (data: Buffer) => (received += data.length));
    peer.resume();
    await end.heard('drain');
    await end.until(() => end.connection.bytesQueued <= 256 * 1024);
    end.connection.close();
    await once(peer, 'end');
    expect(received).toBe(2 * chunk.length);
    expect(end.events.filter((event) => event === 'drain')).toEqual(['drain']);
  });

  it('breaks all connections at the end', async () => {
    const { end, network } = await open();
    network.destroyAll();
    await end.heard('close');
    expect(network.connections).toBe(0);
  });

  it('refuses addresses that are none', async () => {
    const network = new TcpNetwork();
    await expect(network.listen('nowhere', () => undefined)).rejects.toMatchObject({ code: 'EINVAL' });
    const end = new RecordedEnd(network.connect('nowhere'));
    await end.heard('close');
    expect(end.closeCode).toBe('EINVAL');
  });

  it('accepts plain sockets', async () => {
    const network = new TcpNetwork();
    const taken = Promise.withResolvers<RecordedEnd>();
    const listener = await network.listen('[::1]:0', (connection) =>
      taken.resolve(new RecordedEnd(connection)),
    );
    const port = parseAddress(listener.address)?.port ?? 0;
    const socket = connect(port, '::1');
    const end = await taken.promise;
    expect(end.connection.remoteAddress).toMatch(/^\[::1\]:\d+$/);
    socket.destroy();
    await end.heard('close');
    await listener.close();
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    ['node-1.cluster:0', { host: 'node-1.cluster', port: 0 }],
  ])('%s is read and written', (address, parts) => {
    expect(parseAddress(address)).toEqual(parts);
    expect(formatAddress(parts.host, parts.port)).toBe(address);
  });

  it.each(['', 'host', ':80', 'host:', 'host:65536', 'host:-1', '::1:80', '[::1]', 'host:8o', 'a:b:1'])(
    '%j is none',
    (address) => {
      expect(parseAddress(address)).toBeUndefined();
    },
  );
});
