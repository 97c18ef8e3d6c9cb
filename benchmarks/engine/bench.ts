import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Arguments } from './arguments.ts';
import { benchmarkOf, fillByProgram, runProgram } from './db-bench.ts';
import type { Job, JobResult } from './job.ts';
import { BAR, type EngineName, isEngine, isProgram, type PeerName, type ProgramName } from './names.ts';
import { compare, type Comparison } from './report.ts';
import { runJob } from './run-job.ts';
import type { Workload } from './workload.ts';
import { BAR_FIGURES } from './workloads.ts';

/** Makes databases, runs workloads on ours and on the peers in turn, and compares. */
export class Bench {
  readonly #directory: string;
  readonly #args: Arguments;
  readonly #programs: ReadonlyMap<ProgramName, string>;
  readonly #filled = new Map<string, Promise<string>>();
  #count = 0;

  constructor(directory: string, args: Arguments, programs: ReadonlyMap<ProgramName, string>) {
    this.#directory = directory;
    this.#args = args;
    this.#programs = programs;
  }

  /** The comparisons of one workload, with every peer that is there. */
  async run(
    workload: Workload,
    onRound: (name: string, figure: number) => void,
  ): Promise<readonly Comparison[]> {
    let peers = workload.peers.filter((peer) => this.#has(workload, peer));
    const ours: JobResult[] = [];
    const theirs = new Map<PeerName, (JobResult | number)[]>(peers.map((peer) => [peer, []]));
    for (let round = 0; round < (workload.isLong ? 1 : this.#args.rounds); round++) {
      const own = await this.#measure(workload, workload.ours);
      ours.push(own);
      onRound(workload.ours, own.figure);
      for (const peer of peers) {
        const result = isEngine(peer)
          ? await this.#measure(workload, peer)
          : await this.#figureOf(workload, peer);
        if (result === undefined) {
          peers = peers.filter((other) => other !== peer);
          continue;
        }
        theirs.get(peer)?.push(result);
        onRound(peer, typeof result === 'number' ? result : result.figure);
      }
    }
    return peers.map((peer) => compare(workload, peer, ours, theirs.get(peer) ?? []));
  }

  /** Removes filled databases that no later workload needs: those of this many entries. */
  forget(entries: number): void {
    for (const key of this.#filled.keys()) {
      if (!key.endsWith(` ${entries}`)) continue;
      rmSync(join(this.#directory, key), { recursive: true, force: true });
      this.#filled.delete(key);
    }
  }

  entriesOf(workload: Workload): number {
    return Math.round(this.#args.entries * workload.entries);
  }

  #operationsOf({ operations, operationsMin }: Workload): number {
    return Math.max(operationsMin, Math.round(this.#args.entries * operations));
  }

  #has(workload: Workload, peer: PeerName): boolean {
    if (this.#args.without.includes(peer)) return false;
    if (!isProgram(peer)) return true;
    const benchmark = benchmarkOf(peer, workload, this.entriesOf(workload), this.#operationsOf(workload));
    return this.#programs.has(peer) && benchmark !== undefined;
  }

  /** Undefined when the program fails: what another project's tool does is no reason to end the run. */
  async #figureOf(workload: Workload, peer: Exclude<PeerName, EngineName>): Promise<number | undefined> {
    if (peer === BAR) return BAR_FIGURES[workload.name] ?? 0;
    const program = this.#programs.get(peer);
    const benchmark = benchmarkOf(peer, workload, this.entriesOf(workload), this.#operationsOf(workload));
    if (program === undefined || benchmark === undefined) throw new Error(`${peer} has no ${workload.name}`);
    const isFilled = workload.start === 'filled';
    const directory = isFilled ? await this.#filledByProgram(workload, peer, program) : this.#newDirectory();
    try {
      return await runProgram(peer, program, benchmark, workload, directory);
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      return undefined;
    } finally {
      if (!isFilled) rmSync(directory, { recursive: true, force: true });
    }
  }

  #filledByProgram(workload: Workload, peer: ProgramName, program: string): Promise<string> {
    const entries = this.entriesOf(workload);
    return this.#fillOnce(`${peer} ${workload.valueBytes} ${entries}`, (directory) =>
      fillByProgram(peer, program, workload, entries, directory),
    );
  }

  async #measure(workload: Workload, engine: EngineName): Promise<JobResult> {
    const job = {
      engine,
      action: workload.action,
      start: workload.start,
      settles: workload.fills,
      fills: false,
      entries: this.entriesOf(workload),
      operations: this.#operationsOf(workload),
      valueBytes: workload.valueBytes,
      cacheBytes: workload.cacheBytes,
      tree: this.#args.tree,
    };
    const { profiles } = this.#args;
    const isProfiled = profiles !== undefined && engine.startsWith('holdfast');
    const nodeOptions = isProfiled
      ? [
          '--cpu-prof',
          `--cpu-prof-dir=${profiles}`,
          `--cpu-prof-name=${workload.name.replaceAll(/[^a-z0-9]+/gi, '-')}.cpuprofile`,
        ]
      : [];
    if (workload.start === 'filled') {
      return runJob({ ...job, directory: await this.#filledDirectory(job) }, nodeOptions);
    }
    if (workload.fills) {
      let result: JobResult | undefined;
      await this.#fillOnce(keyOf(job), async (directory) => {
        result = await runJob({ ...job, directory }, nodeOptions);
      });
      if (result === undefined) throw new Error(`${workload.name} comes before whoever needs its database`);
      return result;
    }
    const directory = this.#newDirectory();
    try {
      if (workload.start === 'copy') {
        // The lock of a filled database is not there to be copied: whoever filled it is gone.
        cpSync(await this.#filledDirectory(job), directory, { recursive: true });
      }
      return await runJob({ ...job, directory }, nodeOptions);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** The two of ours share a database's content, not its directory: keys are stored with different revisions. */
  #filledDirectory(job: Omit<Job, 'directory'>): Promise<string> {
    return this.#fillOnce(keyOf(job), async (directory) => {
      await runJob({ ...job, directory, fills: true });
    });
  }

  /** @param key ends with the number of entries (see {@link forget}). */
  #fillOnce(key: string, fill: (directory: string) => Promise<void>): Promise<string> {
    let filled = this.#filled.get(key);
    if (filled === undefined) {
      const directory = join(this.#directory, key);
      mkdirSync(directory, { recursive: true });
      filled = fill(directory).then(() => directory);
      this.#filled.set(key, filled);
    }
    return filled;
  }

  #newDirectory(): string {
    const directory = join(this.#directory, String(++this.#count));
    mkdirSync(directory, { recursive: true });
    return directory;
  }
}

/** Ends with the number of entries (see {@link Bench.forget}). */
function keyOf({ engine, valueBytes, entries }: Omit<Job, 'directory'>): string {
  return `${engine} ${valueBytes} ${entries}`;
}
