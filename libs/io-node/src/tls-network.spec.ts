import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { networkConformance, realTime, RecordedEnd } from '@holdfast/io/conformance';
import { describe, expect, it } from 'vitest';
import { TestAuthority } from '../testing/certificates.ts';
import { TcpNetwork, TLS_HANDSHAKES_MAX } from './tcp-network.ts';
import type { TlsIdentity } from './tls-identity.ts';

const authority = new TestAuthority();
const node = authority.issue('node 1');
const ANY = '127.0.0.1:0';

networkConformance('TcpNetwork inside of TLS', () => {
  const server = new TcpNetwork({ tls: node });
  const client = new TcpNetwork({ tls: authority.issue('client') });
  return {
    ...realTime,
    server,
    client,
    anyAddress: ANY,
    floodBytes: 32 * 1024 * 1024,
    end: () => {
      server.destroyAll();
      client.destroyAll();
      return Promise.resolve();
    },
  };
});

/** What both sides hear when a stranger knocks: how its connection ended, and how many the server accepted. */
async function knock(
  stranger: TlsIdentity | undefined,
  host = '127.0.0.1',
): Promise<{
  readonly reason: Error | undefined;
  readonly accepted: number;
  readonly refused: readonly string[];
}> {
  const refused: string[] = [];
  let accepted = 0;
  const server = new TcpNetwork({ tls: node, onTlsRefused: (_, { message }) => refused.push(message) });
  const listener = await server.listen(ANY, (connection) => {
    accepted++;
    connection.start({
      onOpen: () => undefined,
      onData: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
    });
  });
  const network = new TcpNetwork(stranger === undefined ? {} : { tls: stranger });
  const end = new RecordedEnd(network.connect(listener.address.replace('127.0.0.1', host)));
  end.connection.write(new Uint8Array(64).fill(1));
  await end.heard('close');
  while (server.connections > 0 || accepted + refused.length === 0) await turn();
  await listener.close();
  return { reason: end.closeReason, accepted, refused };
}

describe('mutual TLS', () => {
  it('does not open to a peer in clear, and goes on', async () => {
    const { accepted, refused } = await knock(undefined);
    expect(accepted).toBe(0);
    expect(refused).toHaveLength(1);
  });

  it('does not open to a certificate of another authority, and neither does the other side', async () => {
    const { accepted, reason, refused } = await knock(new TestAuthority().issue('client'));
    expect([accepted, refused.length]).toEqual([0, 1]);
    expect(reason?.message).toMatch(/self-signed|unable to|certificate/);
  });

  it('does not open to a certificate of another authority that believes this one', async () => {
    const stranger = { ...new TestAuthority().issue('client'), ca: authority.certificate };
    const { accepted, refused } = await knock(stranger);
    expect(accepted).toBe(0);
    expect(refused).toHaveLength(1);
  });

  it('does not open to a certificate of yesterday', async () => {
    const notAfter = new Date(Date.now() - 60_000);
    const { accepted, refused } = await knock(authority.issue('client', { notAfter }));
    expect(accepted).toBe(0);
    expect(refused).toHaveLength(1);
  });

  it('is broken off by a client that reached another host than the certificate names', async () => {
    const { reason } = await knock(authority.issue('client'), 'localhost');
    expect(reason).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('closes strangers that say nothing, within the time of a connection', async () => {
    const refused: string[] = [];
    const server = new TcpNetwork({
      tls: node,
      connectMs: 50,
      onTlsRefused: (_, { message }) => refused.push(message),
    });
    const listener = await server.listen(ANY, () => expect.unreachable());
    const socket = connect(Number(listener.address.split(':')[1]), '127.0.0.1').resume();
    socket.on('error', () => undefined);
    await once(socket, 'close');
    expect(refused).toEqual(['TLS handshake timeout']);
    await listener.close();
  });

  it('ends connections in the middle of their handshake with the rest', async () => {
    const server = new TcpNetwork({ tls: node });
    const listener = await server.listen(ANY, () => expect.unreachable());
    const socket = connect(Number(listener.address.split(':')[1]), '127.0.0.1').resume();
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    // The connection reaches the server in one of the next turns.
    const ending = setInterval(() => server.destroyAll(), 5);
    await closed;
    clearInterval(ending);
    await listener.close();
  });

  it('holds a bounded number of strangers in the middle of their handshake', async () => {
    const refused: string[] = [];
    const onTlsRefused = (_: string, { message }: Error): number => refused.push(message);
    // However long it takes to open them all, no handshake is given up for its time.
    const server = new TcpNetwork({ tls: node, connectMs: 60_000, onTlsRefused });
    const listener = await server.listen(ANY, () => expect.unreachable());
    const port = Number(listener.address.split(':')[1]);
    const open = async (): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1').resume();
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      return socket;
    };
    const strangers: Socket[] = [];
    while (strangers.length < TLS_HANDSHAKES_MAX) {
      strangers.push(...(await Promise.all(Array.from({ length: 100 }, open))));
    }
    const oneMore = await open();
    await once(oneMore, 'close');
    expect(strangers.filter(({ destroyed }) => destroyed)).toEqual([]);
    // Whoever leaves makes room: the next one is listened to.
    strangers[0].destroy();
    await once(strangers[0], 'close');
    const another = await open();
    another.end(new Uint8Array(64).fill(1));
    await once(another, 'close');
    expect(refused.some((message) => message.includes('SSL'))).toBe(true);
    server.destroyAll();
    await Promise.all(strangers.slice(1).map((socket) => once(socket, 'close')));
    await listener.close();
  });

  it('is refused at the start for a key that does not fit its certificate', () => {
    const { key } = authority.issue('another');
    expect(() => new TcpNetwork({ tls: { ...node, key } })).toThrow(/key values mismatch/);
    expect(() => new TcpNetwork({ tls: { ...node, cert: 'none' } })).toThrow();
  });
});
