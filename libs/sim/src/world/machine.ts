import { assert, type Clock, type Disk, type Kernels, type Network, Prng, type Random } from '@holdfast/io';
import type { DiskFaultName, DiskFaults, DiskOperation } from './disk-options.ts';
import { noDiskFaults } from './disk-options.ts';
import { hostKernels } from './host-kernels.ts';
import { type ClockError, Incarnation } from './incarnation.ts';
import { Phase, type Scheduler } from './scheduler.ts';
import { SimDisk, ssdDelayMs } from './sim-disk.ts';
import type { SimNetwork } from './sim-network.ts';

/** Everything a process needs from the outside, as production code takes it. */
export interface Environment {
  readonly process: Incarnation;
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  readonly kernels: Kernels;
}

export interface MachineOptions {
  readonly host: string;
  readonly seed: number;
  readonly clock?: ClockError;
  readonly diskDelayMs?: (operation: DiskOperation, random: Random) => number;
  readonly onDiskFault?: (host: string, fault: DiskFaultName, path: string) => void;
}

/** How a process ends: by a signal while the machine runs on, or because the power failed. */
export type Death = 'kill' | 'power';

/** A computer that outlives its processes: a disk, clocks, a place in the network. */
export class Machine {
  readonly host: string;
  readonly faults: DiskFaults = noDiskFaults();
  readonly clock: ClockError;
  readonly #scheduler: Scheduler;
  readonly #network: SimNetwork;
  readonly #random: Prng;
  #disk: SimDisk;
  #incarnation: Incarnation | undefined;
  #lives = 0;
  readonly #id: number;

  /** @param id small and unique; part of the event hash. */
  constructor(scheduler: Scheduler, network: SimNetwork, id: number, options: MachineOptions) {
    this.#scheduler = scheduler;
    this.#network = network;
    this.#id = id;
    this.host = options.host;
    this.#random = new Prng(options.seed);
    this.clock = options.clock ?? { wallOffsetMs: 0, drift: 0, monotonicStartMs: 0 };
    this.#disk = new SimDisk({
      seed: this.#random.nextU32(),
      timer: { schedule: (delayMs, task) => this.#afterDisk(delayMs, task) },
      delayMs: options.diskDelayMs ?? ssdDelayMs,
      faults: this.faults,
      afterCrash: 'hang',
      map: this.#random.nextU32() % 2 === 0 ? 'copy' : 'none',
      ...(options.onDiskFault && {
        onFault: (fault: DiskFaultName, path: string) => options.onDiskFault?.(this.host, fault, path),
      }),
    });
  }

  /** The living or paused process, undefined after its death. */
  get process(): Incarnation | undefined {
    return this.#incarnation;
  }

  get disk(): SimDisk {
    return this.#disk;
  }

  /** How often a process was started here. */
  get lives(): number {
    return this.#lives;
  }

  /** Power on, and a new process. Its owner builds the node in it. */
  start(): Environment {
    assert(this.#incarnation === undefined, `${this.host} runs already`);
    this.#lives++;
    this.#network.hostUp(this.host);
    const random = this.#random.fork();
    const process = new Incarnation(
      this.#scheduler,
      this.#id * 1000 + this.#lives,
      this.host,
      this.clock,
      random,
    );
    this.#incarnation = process;
    const network = this.#network.of(process);
    return { process, clock: process, random, disk: this.#disk, network, kernels: hostKernels };
  }

  kill(death: Death): void {
    const process = this.#incarnation;
    if (process === undefined) return;
    process.die();
    this.#incarnation = undefined;
    this.#network.processDied(process, death === 'kill');
    this.#disk = death === 'kill' ? this.#disk.kill() : this.#disk.crash();
  }

  /** The disk is replaced by an empty one. Only while no process runs. */
  replaceDisk(): void {
    assert(this.#incarnation === undefined, `${this.host} is running`);
    this.#disk = this.#disk.replaced();
  }

  /** Completion of a disk operation: in the process that asked, or nowhere if it died. */
  #afterDisk(delayMs: number, task: () => void): void {
    if (this.#incarnation === undefined) return;
    this.#incarnation.plan(delayMs * 1000, Phase.input, task);
  }
}
