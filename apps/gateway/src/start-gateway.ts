import { readFileSync } from 'node:fs';
import { Client } from '@holdfast/client';
import { Prng } from '@holdfast/io';
import { nodeKernels, SystemClock, systemRandomSeed, TcpNetwork } from '@holdfast/io-node';
import type { Running } from '@holdfast/service';
import type { Logger } from '@holdfast/telemetry';
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

/** The composition root: makes every object of the process once, and starts it. */
export async function startGateway(settings: Settings, log: Logger): Promise<Running> {
  const { clusterId, httpHost, httpPort, seeds } = settings;
  const clock = new SystemClock();
  const client = new Client({
    network: new TcpNetwork(),
    clock,
    random: new Prng(systemRandomSeed()),
    kernels: nodeKernels,
    seeds,
    observer: logClient(log),
    agent: `holdfast-gateway/${version}`,
    ...(clusterId === undefined ? {} : { clusterId }),
  });
  const access = createAccess(settings, client, clock, log);
  const { usage } = access.management;
  const usageTimer = setInterval(() => void usage.write(), USAGE_WRITE_MS);
  const readiness = new Readiness(client);
  const app = await createGatewayApp(client, readiness, log, access.authenticator, access.management);
  addApiPages(app, version);
  await app.listen(httpPort, httpHost);
  log.info({ http: `${httpHost}:${httpPort}`, seeds, auth: settings.auth }, 'serving');
  return {
    async stop() {
      readiness.drain();
      await app.close();
      clearInterval(usageTimer);
      await usage.write();
      await client.close();
    },
  };
}
