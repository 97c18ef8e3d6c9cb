import { Prng } from '@holdfast/io';
import { nodeKernels, SystemClock, systemRandomSeed, TcpNetwork } from '@holdfast/io-node';
import { Client, type ClientOptions } from '../api/client.ts';
import { parseTarget } from '../api/target.ts';

/** As {@link ClientOptions}, but for what the machine provides; what the target says goes before `seeds`. */
export type ConnectOptions = Partial<Omit<ClientOptions, 'seeds'>>;

/**
 * A client over TCP, ready for use.
 *
 * ```ts
 * await using db = await connect('holdfast://127.0.0.1:7711,127.0.0.1:7712');
 * ```
 *
 * @param target `holdfast://host:port[,host:port …]`: nodes to ask first; any one that lives is enough.
 * @throws HoldfastError `HF_BAD_REQUEST` when the target is not understood, and what {@link Client.ready} throws.
 */
export async function connect(target: string, options: ConnectOptions = {}): Promise<Client> {
  const client = new Client({
    network: new TcpNetwork(),
    clock: new SystemClock(),
    random: new Prng(systemRandomSeed()),
    kernels: nodeKernels,
    ...options,
    seeds: parseTarget(target),
  });
  try {
    await client.ready();
  } catch (error) {
    await client.close();
    throw error;
  }
  return client;
}
