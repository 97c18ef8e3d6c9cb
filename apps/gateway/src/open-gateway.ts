import { readFileSync } from 'node:fs';
import { Client, KeyspacePurger } from '@holdfast/client';
import { Prng } from '@holdfast/io';
import { nodeKernels, SystemClock, systemRandomSeed, TcpNetwork } from '@holdfast/io-node';
import { tlsOf } from '@holdfast/service';
import type { Logger } from '@holdfast/telemetry';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { logClient } from './client-log.ts';
import { createAccess } from './access/create-access.ts';
import { createGatewayApp } from './gateway-app.ts';
import { addApiPages } from './openapi/api-pages.ts';
import { Readiness } from './readiness.ts';
import type { Settings } from './settings.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/** Usage is written down this often, in milliseconds: what a kill may lose. */
const USAGE_WRITE_MS = 10_000;

/** A gateway that does not listen yet. */
export interface Gateway {
  readonly app: NestFastifyApplication;
  /** Takes no more requests, ends those that are there, and closes every connection. */
  close(): Promise<void>;
}

/** The composition root: makes every object of the gateway once. */
export async function openGateway(settings: Settings, log: Logger): Promise<Gateway> {
  const { clusterId, seeds, nodeToken: token } = settings;
  const tls = tlsOf(settings);
  const clock = new SystemClock();
  const random = new Prng(systemRandomSeed());
  const client = new Client({
    network: new TcpNetwork(tls === undefined ? {} : { tls }),
    clock,
    random,
    kernels: nodeKernels,
    seeds,
    forOthers: true,
    observer: logClient(log),
    agent: `holdfast-gateway/${version}`,
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(token === undefined ? {} : { token }),
  });
  const access = createAccess(settings, client, clock, log);
  const { usage } = access.management;
  const usageTimer = setInterval(() => void usage.write(), USAGE_WRITE_MS);
  const readiness = new Readiness(client);
  const { keyspaces } = client;
  const purger = new KeyspacePurger({
    keyspaces,
    clock,
    random,
    purged: (keyspace, keys) => log.info({ keyspace, keys }, 'a deleted keyspace is gone'),
    failed: (error) => log.warn({ code: error.code, err: error }, 'deleted keyspaces wait for the next try'),
  });
  const app = await createGatewayApp(client, readiness, log, access.authenticator, access.management, {
    keyspaces,
    purger,
  });
  addApiPages(app, version);
  return {
    app,
    async close() {
      readiness.drain();
      await app.close();
      clearInterval(usageTimer);
      purger.close();
      await usage.write();
      await client.close();
    },
  };
}
