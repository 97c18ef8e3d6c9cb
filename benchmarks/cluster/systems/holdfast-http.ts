import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, freePorts, startChild, waitUntil } from './child.ts';
import { ROOT_KEY } from './cluster-id.ts';
import { holdfastNest, ROOT } from './holdfast.ts';
import { applicationArguments } from './node-command.ts';
import type { StartOptions, System } from './system.ts';

const GATEWAY_ENTRY = join(ROOT, 'apps', 'gateway', 'dist', 'main.js');

/** A gateway application in front of data nodes. */
export async function startGateway(
  options: StartOptions,
  seeds: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly child: Child; readonly address: string }> {
  const [port] = await freePorts(1);
  const child = startChild({
    name: 'gateway',
    command: process.execPath,
    args: [...applicationArguments(options), GATEWAY_ENTRY],
    ipc: options.profiled === true,
    logFile: join(options.directory, 'gateway.log'),
    env: {
      HOLDFAST_HTTP_PORT: String(port),
      HOLDFAST_SEEDS: seeds.join(','),
      HOLDFAST_LOG_LEVEL: 'warn',
      ...env,
    },
  });
  const address = `127.0.0.1:${port}`;
  await waitUntil('the gateway', [child], async () => (await fetch(`http://${address}/readyz`)).ok);
  return { child, address };
}

/** Our gateway application in front of three data node applications. */
export const holdfastHttp = {
  name: 'holdfast-http',
  about: 'the gateway (NestJS, HTTP/1.1, a connection per client) in front of three data node applications',
  replicas: holdfastNest.replicas,
  workloads: ['put', 'get', 'stale', 'mixed'],
  missing: () =>
    holdfastNest.missing() ??
    (existsSync(GATEWAY_ENTRY) ? undefined : 'apps/gateway is not built: npm run build'),
  async start(options: StartOptions) {
    const nodes = await holdfastNest.start(options);
    const seeds = nodes.target.kind === 'holdfast' ? nodes.target.addresses : [];
    const gateway = await startGateway(options, seeds, { HOLDFAST_ROOT_KEY: ROOT_KEY });
    return {
      ...nodes,
      seeds,
      children: [...nodes.children, gateway.child],
      target: { kind: 'holdfast-http' as const, address: gateway.address },
      async stop() {
        await gateway.child.stop();
        await nodes.stop();
      },
    };
  },
} as const satisfies System;
