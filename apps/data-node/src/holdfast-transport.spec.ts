import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type Operation, type OpResult } from '@holdfast/client';
import { nodeId, Prng, utf8 } from '@holdfast/io';
import { FileDisk, nodeKernels, SystemClock, TcpNetwork } from '@holdfast/io-node';
import { createLogger, FrameworkLog } from '@holdfast/telemetry';
import { NestFactory } from '@nestjs/core';
import { OpKind } from '@holdfast/wire';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { DataNodeModule } from './data-node-module.ts';
import { type BatchResults, HoldfastClientProxy } from './holdfast-client-proxy.ts';
import { DATA_PATTERN, HoldfastTransport } from './holdfast-transport.ts';
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
  const deliver = vi.spyOn(transport, 'deliver');
  const proxy = new HoldfastClientProxy(client);
  const keyed = { keyspace: 'default', key: utf8('k') };
  const send = (operations: readonly Operation[]): Promise<BatchResults> =>
    firstValueFrom(proxy.send<BatchResults>(DATA_PATTERN, operations));

  const [written] = await send([{ kind: OpKind.put, ...keyed, value: utf8('v') }]);
  const [read, missing, refused] = await send([
    { kind: OpKind.get, ...keyed },
    { kind: OpKind.get, ...keyed, key: utf8('nothing') },
    { kind: OpKind.get, ...keyed, keyspace: 'nobody' },
  ]);
  expect(read).toMatchObject({ found: true, revision: (written as OpResult).revision });
  expect(Buffer.from((read as OpResult).value).toString()).toBe('v');
  expect(missing).toMatchObject({ found: false });
  expect(refused).toMatchObject({ code: 'HF_KEYSPACE_NOT_FOUND' });
  // One message, one call of the handler: the keys lie in one range.
  expect(deliver.mock.calls.map(([call]) => call.reader.count)).toEqual([1, 2]);
  expect(await send([])).toEqual([]);
  await expect(firstValueFrom(proxy.send('cats', []))).rejects.toMatchObject({ code: 'HF_UNSUPPORTED' });
  await expect(firstValueFrom(proxy.emit(DATA_PATTERN, []))).rejects.toMatchObject({
    code: 'HF_UNSUPPORTED',
  });
  expect(proxy.unwrap()).toBe(client);

  await proxy.close();
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
