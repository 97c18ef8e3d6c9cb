import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type NodeId, Prng } from '@holdfast/io';
import { nodeKernels } from '@holdfast/io-node';
import { encodeHello, FRAME_BYTES_MAX, PeerRole } from '@holdfast/wire';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Links } from './links.ts';
import { NodeProxy } from './node-proxy.ts';

/** Long against everything that happens on one machine, short against a test. */
const SILENCE_MS = 150;

let server: Server;
let links: Links;
let proxy: NodeProxy;
let accepted: Promise<Socket>;

/** Node 2 behind a proxy. */
beforeEach(async () => {
  accepted = new Promise((resolve) => {
    server = createServer({ allowHalfOpen: true }, resolve);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  links = new Links(new Prng(1));
  proxy = await NodeProxy.open(2, (server.address() as AddressInfo).port, links);
});

afterEach(() => {
  proxy.close();
  server.close();
});

/** Node 1 says hello to node 2. */
function hello(): Uint8Array {
  return encodeHello(nodeKernels, 1, {
    clusterId: new Uint8Array(16),
    nodeId: 1 as NodeId,
    toNodeId: 2 as NodeId,
    role: PeerRole.node,
    versionMin: 1,
    versionMax: 1,
    features: 0,
    frameBytesMax: FRAME_BYTES_MAX,
    token: '',
    address: '',
    agent: 'spec',
    storage: 0,
  });
}

function dial(): Socket {
  const [host = '', port] = proxy.address.split(':');
  const socket = connect({ host, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.write(hello());
  return socket;
}

async function received(socket: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length < bytes) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks);
}

/** Whether the event comes soon. */
async function comes(socket: Socket, event: string): Promise<boolean> {
  const signal = AbortSignal.timeout(SILENCE_MS);
  return once(socket, event, { signal }).then(
    () => true,
    () => false,
  );
}

/** A connection between the two that has carried the hello. */
async function joined(): Promise<{ readonly caller: Socket; readonly callee: Socket }> {
  const caller = dial();
  const callee = await accepted;
  callee.on('error', () => undefined);
  expect(Buffer.from(hello())).toEqual(await received(callee, hello().length));
  return { caller, callee };
}

it('carries bytes both ways, and the end', async () => {
  const { caller, callee } = await joined();
  callee.write('answer');
  expect(String(await received(caller, 6))).toBe('answer');
  caller.end('last');
  expect(String(await received(callee, 4))).toBe('last');
  callee.resume();
  await once(callee, 'end');
});

it('holds back one direction of a cut link, and delivers after the heal', async () => {
  const { caller, callee } = await joined();
  const heal = links.link(1, 2).cut();
  caller.write('held');
  callee.write('free');
  expect(String(await received(caller, 4))).toBe('free');
  expect(await comes(callee, 'data')).toBe(false);
  const later = received(callee, 4);
  heal();
  expect(String(await later)).toBe('held');
});

it('does not tell over a cut link that a connection has ended', async () => {
  const { caller, callee } = await joined();
  const heal = links.link(2, 1).cut();
  callee.destroy();
  caller.resume();
  expect(await comes(caller, 'end')).toBe(false);
  const end = once(caller, 'end');
  heal();
  await end;
});

it('makes no connection over a cut link', async () => {
  const heals = [links.link(1, 2).cut(), links.link(2, 1).cut()];
  dial();
  let isAccepted = false;
  void accepted.then(() => (isAccepted = true));
  heals[0]?.();
  await new Promise((resolve) => {
    setTimeout(resolve, SILENCE_MS);
  });
  expect(isAccepted).toBe(false);
  heals[1]?.();
  expect(await received(await accepted, hello().length)).toHaveLength(hello().length);
});

it('resets the caller when nobody listens', async () => {
  server.close();
  const caller = dial();
  // `once` of node:events would take the reset for its own failure.
  const code = await new Promise((resolve) => {
    caller.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  expect(code).toBe('ECONNRESET');
});

it('breaks a connection inside what is sent next', async () => {
  const { caller, callee } = await joined();
  expect(proxy.reset((from) => from === 1, true)).toBe(1);
  caller.write('12345678');
  expect(String(await received(callee, 4))).toBe('1234');
  callee.resume();
  await once(callee, 'end');
});

it('forgets a connection without a word', async () => {
  const { caller, callee } = await joined();
  const end = proxy.forget(() => true);
  caller.write('gone');
  callee.destroy();
  caller.resume();
  expect(await comes(caller, 'end')).toBe(false);
  end();
});

it('forgets what is connected meanwhile', async () => {
  const end = proxy.forget((from) => from === 1);
  dial();
  const callee = await accepted;
  end();
  expect(await comes(callee, 'data')).toBe(false);
});

it('flips bits of a link that corrupts', async () => {
  const { caller, callee } = await joined();
  links.link(1, 2).degrade({ delayMs: 0, jitterMs: 0, loss: 0, corruption: 1 });
  caller.write(Buffer.alloc(8));
  const bits = [...(await received(callee, 8))].reduce(
    (sum, byte) => sum + byte.toString(2).replaceAll('0', '').length,
    0,
  );
  expect(bits).toBe(1);
});
