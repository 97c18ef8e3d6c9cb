import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { deviceBytesWritten } from './disk-writes.ts';
import type { RunResult } from './load/protocol.ts';
import { LoadGenerator } from './load-generator.ts';
import { cpuSeconds, loadAverage } from './process-usage.ts';
import type { RunningSystem, StartOptions, System } from './systems/system.ts';
import { type Point, VALUE_BYTES, KEY_BYTES } from './workloads.ts';

const SETTLE_CLIENTS = 64;

export interface Times {
  readonly warmUp: number;
  readonly measured: number;
}

/** One point of one system in one round. */
export interface Measurement extends Point {
  readonly system: string;
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly errors: number;
  readonly error: string | undefined;
  /** CPU seconds per 1,000 operations of each process; same as milliseconds per operation. */
  readonly cpuPerThousand: Readonly<Record<string, number>>;
  readonly cpuPerThousandTotal: number;
  /** Share of one core that the load generator used: near 1 means that it was the limit. */
  readonly loadCpuShare: number;
  /** Bytes that the device wrote per put and copy, over the bytes of key and value; undefined without puts. */
  readonly writeAmplification: number | undefined;
  readonly loadAverage: number;
}

/** A system that is up, with its load generator connected and every key written. */
export class Bench {
  readonly system: System;
  readonly running: RunningSystem;
  readonly load: LoadGenerator;
  readonly #directory: string;

  static async start(system: System, keys: number, options: StartOptions): Promise<Bench> {
    const directory = join(options.directory, system.name);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const running = await system.start({ ...options, directory });
    const load = new LoadGenerator({ ...options, directory });
    const bench = new Bench(system, running, load, directory);
    try {
      await load.prepare(running.target, keys);
    } catch (error) {
      await bench.stop();
      throw error;
    }
    return bench;
  }

  private constructor(system: System, running: RunningSystem, load: LoadGenerator, directory: string) {
    this.system = system;
    this.running = running;
    this.load = load;
    this.#directory = directory;
  }

  /** Some time of everything the system can do: compilers and caches are warm when the measuring begins. */
  async settle(seconds: number): Promise<void> {
    const { workloads } = this.system;
    for (const workload of workloads) {
      await this.measure(
        { workload, clients: SETTLE_CLIENTS },
        { warmUp: 0, measured: seconds / workloads.length },
      );
    }
  }

  async measure(point: Point, times: Times): Promise<Measurement> {
    const processes = [...this.running.children, this.load.child];
    const sample = (): { readonly cpu: readonly number[]; readonly disk: number | undefined } => ({
      cpu: processes.map(({ pid }) => cpuSeconds(pid)),
      disk: deviceBytesWritten(this.#directory),
    });
    let before = sample();
    const result = await this.load.run(point, times, () => (before = sample()));
    const after = sample();
    const spent = after.cpu.map((seconds, i) => seconds - before.cpu[i]);
    const diskBytes =
      after.disk === undefined || before.disk === undefined ? undefined : after.disk - before.disk;
    const perThousand = (seconds: number): number => (result.ops === 0 ? 0 : (seconds / result.ops) * 1000);
    return {
      system: this.system.name,
      ...point,
      opsPerSecond: result.ops / result.seconds,
      ...picked(result),
      cpuPerThousand: Object.fromEntries(processes.map(({ name }, i) => [name, perThousand(spent[i])])),
      cpuPerThousandTotal: perThousand(spent.reduce((sum, seconds) => sum + seconds, 0)),
      loadCpuShare: spent.at(-1)! / result.seconds,
      writeAmplification:
        result.puts === 0 || diskBytes === undefined
          ? undefined
          : diskBytes / result.puts / this.system.replicas / (KEY_BYTES + VALUE_BYTES),
      loadAverage: loadAverage(),
    };
  }

  /** Ends every process and removes the data. */
  async stop(): Promise<void> {
    await this.load.stop();
    await this.running.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function picked({
  p50Ms,
  p99Ms,
  maxMs,
  errors,
  error,
}: RunResult): Pick<Measurement, 'p50Ms' | 'p99Ms' | 'maxMs' | 'errors' | 'error'> {
  return { p50Ms, p99Ms, maxMs, errors, error };
}
