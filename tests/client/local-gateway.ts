import type { Client } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { createLogger } from '@holdfast/telemetry';
import { OpenAccess } from '../../apps/gateway/src/access/authenticator.ts';
import { createGatewayApp } from '../../apps/gateway/src/gateway-app.ts';
import { Readiness } from '../../apps/gateway/src/readiness.ts';

/** The gateway application in this process, in front of nodes that the test has started. It asks for no token. */
export class LocalGateway {
  /** What `connect` takes. */
  readonly url: string;
  readonly #app: Awaited<ReturnType<typeof createGatewayApp>>;
  readonly #client: Client;

  private constructor(url: string, app: Awaited<ReturnType<typeof createGatewayApp>>, client: Client) {
    this.url = url;
    this.#app = app;
    this.#client = client;
  }

  /** @param target the nodes, as `connect` takes them. @param port 0 = any that is free. */
  static async start(target: string, port = 0): Promise<LocalGateway> {
    const client = await connect(target);
    const log = createLogger({ app: 'gateway', level: 'silent' });
    const app = await createGatewayApp(client, new Readiness(client), log, new OpenAccess());
    await app.listen(port, '127.0.0.1');
    return new LocalGateway(await app.getUrl(), app, client);
  }

  async stop(): Promise<void> {
    await this.#app.close();
    await this.#client.close();
  }
}

/** The two ways to a cluster, which are to behave alike. */
export const WAYS = ['holdfast://', 'http://'] as const;
