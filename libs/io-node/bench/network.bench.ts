/**
 * Answers per second over loopback, 64 connections, 64-byte messages: a plain socket that writes once per
 * message against `TcpNetwork`, by how many messages a client has in flight. Client and server share the
 * process. Run: `node --conditions=source libs/io-node/bench/network.bench.ts`
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Connection } from '@holdfast/io';
import { TcpNetwork } from '../src/tcp-network.ts';
import { type Contestant, compare, printMachine } from './report.ts';

const CONNECTIONS = 64;
const MESSAGE_BYTES = 64;
const message = new Uint8Array(MESSAGE_BYTES).fill(1);

/** A client's end: sends one message. The answers are counted elsewhere. */
type Send = () => void;
/** Makes the connections; `onAnswers(connection, count)` for what came back. */
type Setup = (onAnswers: (connection: number, count: number) => void) => Promise<readonly Send[]>;

printMachine(`${CONNECTIONS} connections over loopback, ${MESSAGE_BYTES} B there and back`);
for (const inFlight of [1, 16, 64]) {
  await compare(
    `${inFlight} in flight on each connection: time of one answer`,
    [
      { name: 'node:net, a write per message', run: await load(plainSockets, inFlight) },
      { name: 'TcpNetwork', run: await load(tcpNetwork, inFlight) },
    ],
    5,
    100_000,
  );
}
process.exit(0);

async function load(setup: Setup, inFlight: number): Promise<Contestant['run']> {
  let left = 0;
  let answered = 0;
  let expected = 0;
  let finish: () => void = () => undefined;
  const sends = await setup((connection, count) => {
    answered += count;
    for (let i = 0; i < count && left > 0; i++) {
      left--;
      sends[connection]?.();
    }
    if (answered === expected) finish();
  });
  return async (count) => {
    answered = 0;
    expected = count;
    left = count - CONNECTIONS * inFlight;
    const done = new Promise<void>((resolve) => (finish = resolve));
    const start = performance.now();
    for (const send of sends) for (let i = 0; i < inFlight; i++) send();
    await done;
    return [((performance.now() - start) * 1000) / count];
  };
}

async function plainSockets(
  onAnswers: (connection: number, count: number) => void,
): Promise<readonly Send[]> {
  const server = createServer({ noDelay: true }, (socket) => {
    eachMessage(socket, () => socket.write(message));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, i) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      eachMessage(socket, () => onAnswers(i, 1));
      return () => void socket.write(message);
    }),
  );
}

function eachMessage(socket: Socket, take: () => void): void {
  let bytes = 0;
  socket.on('data', (data) => {
    for (bytes += data.length; bytes >= MESSAGE_BYTES; bytes -= MESSAGE_BYTES) take();
  });
}

async function tcpNetwork(onAnswers: (connection: number, count: number) => void): Promise<readonly Send[]> {
  const network = new TcpNetwork();
  const listener = await network.listen('127.0.0.1:0', (connection) => {
    void opened(connection, () => connection.write(message));
  });
  return Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, i) => {
      const connection = network.connect(listener.address);
      await opened(connection, () => onAnswers(i, 1));
      return () => void connection.write(message);
    }),
  );
}

function opened(connection: Connection, take: () => void): Promise<void> {
  let bytes = 0;
  return new Promise((resolve) => {
    connection.start({
      onOpen: resolve,
      onData: (chunk) => {
        for (bytes += chunk.length; bytes >= MESSAGE_BYTES; bytes -= MESSAGE_BYTES) take();
      },
      onDrain: () => undefined,
      onClose: () => undefined,
    });
  });
}
