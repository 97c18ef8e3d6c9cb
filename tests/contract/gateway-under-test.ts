import { type Client } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { createLogger } from '@holdfast/telemetry';
import { OpenAccess } from '../../apps/gateway/src/access/authenticator.ts';
import { createGatewayApp } from '../../apps/gateway/src/gateway-app.ts';
import { addApiPages } from '../../apps/gateway/src/openapi/api-pages.ts';
import { Readiness } from '../../apps/gateway/src/readiness.ts';
import { LocalCluster, type LocalClusterOptions } from '../client/local-cluster.ts';

/** A gateway and three nodes in this process, over TCP and with real files. */
export class GatewayUnderTest implements AsyncDisposable {
  readonly url: string;
  readonly cluster: LocalCluster;
  readonly #client: Client;
  readonly #app: Awaited<ReturnType<typeof createGatewayApp>>;

  static async start(options: LocalClusterOptions = {}): Promise<GatewayUnderTest> {
    const cluster = await LocalCluster.start(options);
    const client = await connect(cluster.target);
    const log = createLogger({ app: 'gateway', level: 'silent' });
    const app = await createGatewayApp(client, new Readiness(client), log, new OpenAccess());
    addApiPages(app, '0.0.0');
    await app.listen(0, '127.0.0.1');
    return new GatewayUnderTest(cluster, client, app, await app.getUrl());
  }

  private constructor(
    cluster: LocalCluster,
    client: Client,
    app: Awaited<ReturnType<typeof createGatewayApp>>,
    url: string,
  ) {
    this.cluster = cluster;
    this.#client = client;
    this.#app = app;
    this.url = url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
    await this.#client.close();
    await this.cluster.stop();
  }
}
