import type { Prng } from '@holdfast/io';
import { type OpName, WORKLOADS } from '../workloads.ts';
import type { Driver } from './driver.ts';
import { Histogram } from './histogram.ts';
import type { RunRequest, RunResult } from './protocol.ts';

/** What all clients of a run share. */
class Run {
  readonly driver: Driver;
  readonly random: Prng;
  readonly keys: number;
  readonly read: OpName;
  readonly putShare: number;
  readonly histogram = new Histogram();
  puts = 0;
  errors = 0;
  error: string | undefined;
  over = false;
  #left: number;
  readonly #ended: () => void;

  constructor(driver: Driver, random: Prng, keys: number, request: RunRequest, ended: () => void) {
    const { putShare, read } = WORKLOADS[request.workload];
    this.driver = driver;
    this.random = random;
    this.keys = keys;
    this.read = read;
    this.putShare = putShare;
    this.#left = request.clients;
    this.#ended = ended;
  }

  clientEnded(): void {
    if (--this.#left === 0) this.#ended();
  }

  reset(): void {
    this.histogram.reset();
    this.puts = 0;
    this.errors = 0;
  }
}

/** One logical client: an operation, its answer, the next operation, until the time is over. */
class LogicalClient {
  readonly #run: Run;
  readonly #id: number;
  #startedMs = 0;
  #isPut = false;

  constructor(run: Run, id: number) {
    this.#run = run;
    this.#id = id;
  }

  next(nowMs: number): void {
    const run = this.#run;
    this.#startedMs = nowMs;
    this.#isPut = run.putShare === 1 || (run.putShare > 0 && run.random.nextU32() < run.putShare * 2 ** 32);
    run.driver.start(this.#id, this.#isPut ? 'put' : run.read, run.random.nextU32() % run.keys, this.#done);
  }

  readonly #done = (error: string | undefined): void => {
    const run = this.#run;
    const nowMs = performance.now();
    if (run.over) {
      run.clientEnded();
      return;
    }
    if (error === undefined) {
      run.histogram.record(nowMs - this.#startedMs);
      if (this.#isPut) run.puts++;
    } else {
      run.errors++;
      run.error ??= error;
    }
    this.next(nowMs);
  };
}

/** Runs one point. `measuring` is called when the warm-up is over. */
export async function runClosedLoop(
  driver: Driver,
  random: Prng,
  keys: number,
  request: RunRequest,
  measuring: () => void,
): Promise<RunResult> {
  await driver.connect(request.clients);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const run = new Run(driver, random, keys, request, resolve);
  const nowMs = performance.now();
  for (let id = 0; id < request.clients; id++) new LogicalClient(run, id).next(nowMs);
  await sleep(request.warmUpSeconds);
  run.reset();
  measuring();
  const startedMs = performance.now();
  await sleep(request.seconds);
  const seconds = (performance.now() - startedMs) / 1000;
  run.over = true;
  const { histogram, puts, errors, error } = run;
  const result: RunResult = {
    type: 'done',
    ops: histogram.total,
    puts,
    errors,
    error,
    seconds,
    p50Ms: histogram.quantileMs(0.5),
    p99Ms: histogram.quantileMs(0.99),
    maxMs: histogram.maxMs,
  };
  await ended;
  return result;
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
