import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, startChild, waitUntil } from './child.ts';
import { ROOT_KEY } from './cluster-id.ts';
import { holdfastNest, ROOT } from './holdfast.ts';
import { applicationArguments } from './node-command.ts';
import type { System } from './system.ts';

const GATEWAY_ENTRY = join(ROOT, 'apps', 'gateway', 'dist', 'main.js');

/** Our gateway application in front of three data node applications. */
export const holdfastHttp: System = {
  name: 'holdfast-http',
  about: 'the gateway (NestJS, HTTP/1.1, a connection per client) in front of three data node applications',
  replicas: holdfastNest.replicas,
  workloads: ['put', 'get', 'stale', 'mixed'],
  missing: () =>
    holdfastNest.missing() ??
    (existsSync(GATEWAY_ENTRY) ? undefined : 'apps/gateway is not built: npm run build'),
  async start(options) {
    const nodes = await holdfastNest.start(options);
    const [port] = await freePorts(1);
    const seeds = nodes.target.kind === 'holdfast' ? nodes.target.addresses : [];
    const gateway = startChild({
      name: 'gateway',
      command: process.execPath,
      args: [...applicationArguments(options), GATEWAY_ENTRY],
      ipc: options.profiled === true,
      logFile: join(options.directory, 'gateway.log'),
      env: {
        HOLDFAST_HTTP_PORT: String(port),
        HOLDFAST_SEEDS: seeds.join(','),
        HOLDFAST_ROOT_KEY: ROOT_KEY,
        HOLDFAST_LOG_LEVEL: 'warn',
      },
    });
    await waitUntil(
      'the gateway',
      [gateway],
      async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok,
    );
    return {
      ...nodes,
      children: [...nodes.children, gateway],
      target: { kind: 'holdfast-http', address: `127.0.0.1:${port}` },
      async stop() {
        await gateway.stop();
        await nodes.stop();
      },
    };
  },
};
