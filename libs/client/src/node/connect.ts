import { DEADLINE_MS_DEFAULT } from '@holdfast/wire';
import { Client, type ClientOptions } from '../api/client.ts';
import { isGatewayTarget, parseTarget } from '../api/target.ts';
import { RestTransport } from '../rest/rest-transport.ts';
import { NodeHttpExchange } from './node-http-exchange.ts';
import { type Platform, realPlatform, type TlsIdentity } from './platform.ts';

export type { TlsIdentity };

/** As {@link ClientOptions}, but for what the machine provides; what the target says goes before `seeds`. */
export interface ConnectOptions extends Partial<Omit<ClientOptions, 'seeds'>> {
  /**
   * Certificate, key and authority for nodes that speak TLS, in PEM. The nodes' certificates name the hosts and addresses
   * under which they are reached. For `holdfast://` only: over HTTPS, what Node.js trusts is trusted.
   */
  readonly tls?: TlsIdentity;
}

/**
 * A client, ready for use: over TCP straight to the nodes, or over HTTP to a gateway.
 *
 * ```ts
 * await using db = await connect('holdfast://127.0.0.1:7711,127.0.0.1:7712');
 * await using web = await connect('http://127.0.0.1:7700', { token });
 * ```
 *
 * The interface is the same both ways, watches, transactions and lookups of idempotency keys among it. Over HTTP:
 * - `HF_UNSUPPORTED` is answered, before anything is sent, by {@link Client.keyspaces} and {@link Client.cluster} (a gateway
 *   has routes of its own for keyspaces), to idempotency keys beyond printable ASCII, to increments beyond 2^53 and to
 *   counts beyond a million.
 * - Idempotency keys are those of the token's tenant: {@link Client.operation} finds what was written over a gateway. Its
 *   record has no `payload`.
 * - In scans, transactions and watches, line breaks between the tokens of a JSON value come as blanks.
 * - Each watch has a connection of its own, 1,024 at most; a gateway that is silent for 7 s is taken for dead, and the watch
 *   goes on, behind what it told, over a new connection.
 * - Of the options, `token`, `deadlineMs`, `exactlyOnce`, `clock`, `random` and `observer` apply.
 *
 * @param target `holdfast://host:port[,host:port …]`: nodes to ask first, any one that lives is enough; or
 *   `http://host:port`, `https://host:port`: a gateway.
 * @throws HoldfastError `HF_BAD_REQUEST` when the target is not understood, and what {@link Client.ready} throws; Error
 *   when certificate and key do not fit together.
 */
export async function connect(target: string, options: ConnectOptions = {}): Promise<Client> {
  const { tls, ...others } = options;
  const platform = { ...realPlatform(tls), ...others };
  const client = isGatewayTarget(target)
    ? overGateway(new URL(target), options, platform)
    : new Client({ ...platform, seeds: parseTarget(target) });
  try {
    await client.ready();
  } catch (error) {
    await client.close();
    throw error;
  }
  return client;
}

function overGateway(origin: URL, options: ConnectOptions, { clock, random }: Platform): Client {
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS_DEFAULT;
  const transport = new RestTransport({
    http: new NodeHttpExchange(origin, clock),
    clock,
    random,
    observer: options.observer ?? {},
    token: options.token ?? '',
    deadlineMs,
  });
  return new Client({
    transport,
    clock,
    random,
    deadlineMs,
    exactlyOnce: options.exactlyOnce ?? false,
  });
}
