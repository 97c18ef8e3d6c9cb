import { type Client, KeyspacePurger } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { createLogger } from '@holdfast/telemetry';
import { Prng } from '@holdfast/io';
import { SystemClock, systemRandomSeed } from '@holdfast/io-node';
import { accessSettings } from '../../apps/gateway/src/access/access-settings.ts';
import { createAccess } from '../../apps/gateway/src/access/create-access.ts';
import { z } from 'zod';
import { createGatewayApp } from '../../apps/gateway/src/gateway-app.ts';
import { addApiPages } from '../../apps/gateway/src/openapi/api-pages.ts';
import { Readiness } from '../../apps/gateway/src/readiness.ts';
import { LocalCluster, type LocalClusterOptions } from '../client/local-cluster.ts';

/** A gateway and three nodes in this process, over TCP and with real files. */
export class GatewayUnderTest implements AsyncDisposable {
  readonly url: string;
  readonly cluster: LocalCluster;
  readonly #client: Client;
  readonly #purger: KeyspacePurger;
  readonly #app: Awaited<ReturnType<typeof createGatewayApp>>;

  static async start(options: LocalClusterOptions = {}): Promise<GatewayUnderTest> {
    const cluster = await LocalCluster.start(options);
    const client = await connect(cluster.target);
    const log = createLogger({ app: 'gateway', level: 'silent' });
    const settings = z.object(accessSettings).parse({ auth: 'off' });
    const clock = new SystemClock();
    const { authenticator, management } = createAccess(settings, client, clock, log);
    const { keyspaces } = client;
    const purger = new KeyspacePurger({ keyspaces, clock, random: new Prng(systemRandomSeed()) });
    const app = await createGatewayApp(client, new Readiness(client), log, authenticator, management, {
      keyspaces,
      purger,
    });
    addApiPages(app, '0.0.0');
    await app.listen(0, '127.0.0.1');
    return new GatewayUnderTest(cluster, client, purger, app, await app.getUrl());
  }

  private constructor(
    cluster: LocalCluster,
    client: Client,
    purger: KeyspacePurger,
    app: Awaited<ReturnType<typeof createGatewayApp>>,
    url: string,
  ) {
    this.cluster = cluster;
    this.#client = client;
    this.#purger = purger;
    this.#app = app;
    this.url = url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
    this.#purger.close();
    await this.#client.close();
    await this.cluster.stop();
  }
}
