import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@holdfast/client';
import { nodeId, Prng, utf8 } from '@holdfast/io';
import { FileDisk, nodeKernels, SystemClock, TcpNetwork } from '@holdfast/io-node';
import { createLogger, FrameworkLog } from '@holdfast/telemetry';
import { NestFactory } from '@nestjs/core';
import { OpKind } from '@holdfast/wire';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DataNodeModule } from './data-node-module.ts';
import { HoldfastTransport } from './holdfast-transport.ts';
import { Refusals } from './refusals.ts';

const directory = mkdtempSync(join(tmpdir(), 'holdfast-transport-'));
const network = new TcpNetwork();
const clock = new SystemClock();
const random = new Prng(1);
let transport: HoldfastTransport;
let address: string;
const fatal: string[] = [];

beforeAll(async () => {
  address = `127.0.0.1:${await freePort()}`;
  transport = await HoldfastTransport.open(
    {
      disk: new FileDisk(),
      network,
      clock,
      random,
      kernels: nodeKernels,
      directory,
      clusterId: 'a'.repeat(32),
      nodeId: nodeId(1),
      address,
      members: [{ id: nodeId(1), address }],
    },
    1000,
  );
});
afterAll(async () => {
  await transport.close();
  network.destroyAll();
  rmSync(directory, { recursive: true });
});

it('carries batches through a handler of NestJS, and stops in order', async () => {
  const app = await NestFactory.createMicroservice(
    DataNodeModule.of(transport.node, (reason) => fatal.push(reason), new Refusals()),
    { strategy: transport, logger: new FrameworkLog(createLogger({ app: 'data-node', level: 'silent' })) },
  );
  await app.listen();
  const client = new Client({ network, clock, random, seeds: [address], kernels: nodeKernels });
  const key = utf8('k');
  const written = await client.execute({ kind: OpKind.put, keyspace: 'default', key, value: utf8('v') });
  const read = await client.execute({ kind: OpKind.get, keyspace: 'default', key });
  expect(read.revision).toBe(written.revision);
  expect(Buffer.from(read.value).toString()).toBe('v');

  await client.close();
  await app.close();
  expect(transport.node.status().state).toBe('stopped');
  expect(fatal).toEqual([]);
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
