import { extname } from 'node:path';
import { execArgv } from 'node:process';
import { Worker } from 'node:worker_threads';
import { type Clock, type Crossing, type Kernels, type Network, Prng, type Random } from '@holdfast/io';
import { nodeKernels, SystemClock, systemRandomSeed, TcpNetwork, type TlsIdentity } from '@holdfast/io-node';

export type { TlsIdentity };

/** The one place where the client takes the real world. */
export interface Platform {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly kernels: Kernels;
}

/** Sockets, time and chance of this machine. @param tls who this process is, where nodes speak TLS. */
export function realPlatform(tls?: TlsIdentity): Platform {
  return {
    network: new TcpNetwork(tls === undefined ? {} : { tls }),
    clock: new SystemClock(),
    random: new Prng(systemRandomSeed()),
    kernels: nodeKernels,
  };
}

/**
 * Starts the module `name` beside the caller in a thread, as TypeScript when the caller runs as TypeScript. Flags of the
 * process that are about its own main module (`--eval`, `--input-type`, `--test`) would break it: only those that say
 * how packages are found go with it.
 */
export function startThread<T>(moduleUrl: string, name: string, data: Crossing<T>): Worker {
  const extension = extname(moduleUrl);
  const flags = execArgv.filter((flag) => flag.startsWith('--conditions='));
  if (extension === '.ts' && !flags.includes('--conditions=source')) flags.push('--conditions=source');
  return new Worker(new URL(`${name}${extension}`, moduleUrl), { workerData: data, execArgv: flags });
}
