import type { Worker } from 'node:worker_threads';
import { type Clock, type Crossing, type Kernels, type Network, Prng, type Random } from '@holdfast/io';
import { nodeKernels, startWorker, SystemClock, systemRandomSeed, TcpNetwork } from '@holdfast/io-node';

/** The one place where the client takes the real world. */
export interface Platform {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly kernels: Kernels;
}

/** Sockets, time and chance of this machine. */
export function realPlatform(): Platform {
  return {
    network: new TcpNetwork(),
    clock: new SystemClock(),
    random: new Prng(systemRandomSeed()),
    kernels: nodeKernels,
  };
}

/** Starts the module `name` beside the caller in a thread. */
export function startThread<T>(moduleUrl: string, name: string, data: Crossing<T>): Worker {
  return startWorker(moduleUrl, name, data);
}
