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
 * Over HTTP, `HF_UNSUPPORTED` is what is not offered there: watches, reads inside of transactions, lookups of idempotency
 * keys, idempotency keys beyond printable ASCII, increments beyond 2^53, counts beyond a million, and
 * {@link Client.keyspaces}. `existed` of single writes is always false; in scans, line breaks between the tokens of a JSON
 * value come as blanks.
 * Of the options, `token`, `deadlineMs`, `clock`, `random` and `observer` apply.
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
  return new Client({ transport, clock, random, deadlineMs });
}
