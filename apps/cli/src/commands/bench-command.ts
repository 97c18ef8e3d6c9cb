import { type Command, Option } from 'commander';
import { ClusterError } from '../cluster-error.ts';
import { connectionOptions, type ConnectionOptions, openStore } from '../connection.ts';
import type { Output } from '../output.ts';
import { Progress } from '../progress.ts';
import { wholeNumber } from '../usage-error.ts';

interface BenchOptions extends ConnectionOptions {
  readonly keyspace: string;
  readonly workload: 'put' | 'get' | 'mixed';
  readonly clients: number;
  readonly seconds: number;
  readonly valueBytes: number;
  readonly keys: number;
}

/** Not counted: connections, code that is not optimized yet. */
const WARM_UP_SHARE = 0.2;
/** Keys of the benchmark; they stay in the keyspace and are written again by the next one. */
const PREFIX = 'holdfast-bench/';
const PROGRESS_MS = 200;

/** `bench`: a closed loop of clients, each with one request under way. */
export function addBenchCommand(program: Command, output: Output): void {
  connectionOptions(program.command('bench'))
    .option('-k, --keyspace <name>', 'keyspace', 'default')
    .addOption(
      new Option('-w, --workload <name>', 'what is done').choices(['put', 'get', 'mixed']).default('mixed'),
    )
    .option('-c, --clients <n>', 'requests under way', wholeNumber(1, 4096), 32)
    .option('-s, --seconds <n>', 'how long it is measured', wholeNumber(1, 3600), 5)
    .option('--value-bytes <n>', 'size of values', wholeNumber(0, 1_048_576), 256)
    .option('--keys <n>', 'how many keys', wholeNumber(1, 10_000_000), 10_000)
    .description(`measure reads and writes of keys that begin with ${PREFIX}`)
    .action((options: BenchOptions) => bench(options, output));
}

async function bench(options: BenchOptions, output: Output): Promise<void> {
  const { keyspace, workload, clients, seconds, valueBytes, keys, json = false } = options;
  await using store = await openStore(options);
  const value = Buffer.alloc(valueBytes, 'v');
  const contentType = 'application/octet-stream';
  const keyOf = (i: number): Buffer => Buffer.from(`${PREFIX}${String(i % keys).padStart(8, '0')}`);
  const latenciesMs: number[] = [];
  const failures = new Map<string, number>();
  const startMs = performance.now();
  const countFromMs = startMs + seconds * WARM_UP_SHARE * 1000;
  const endMs = countFromMs + seconds * 1000;
  let next = 0;
  let first: ClusterError | undefined;

  const client = async (): Promise<void> => {
    for (let fromMs = startMs; fromMs < endMs;) {
      const i = next++;
      try {
        if (workload === 'put' || (workload === 'mixed' && i % 2 === 0)) {
          await store.put(keyspace, keyOf(i), value, { contentType });
        } else {
          await store.get(keyspace, keyOf(i), { consistency: 'strong' });
        }
        const nowMs = performance.now();
        if (fromMs >= countFromMs) latenciesMs.push(nowMs - fromMs);
        fromMs = nowMs;
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        first ??= error;
        failures.set(error.code, (failures.get(error.code) ?? 0) + 1);
        if (!error.retryable || error.status === 0) throw error;
        fromMs = performance.now();
      }
    }
  };
  {
    using progress = new Progress(output, `bench ${workload}`, endMs - startMs, 'operations');
    const timer = setInterval(
      () => progress.update(performance.now() - startMs, latenciesMs.length),
      PROGRESS_MS,
    );
    try {
      await Promise.all(Array.from({ length: clients }, () => client()));
    } finally {
      clearInterval(timer);
    }
  }
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): number =>
    Number((latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0).toFixed(3));
  const result = {
    workload,
    clients,
    seconds,
    operations: latenciesMs.length,
    operationsPerSecond: Math.round(latenciesMs.length / seconds),
    latencyMs: {
      p50: at(0.5),
      p95: at(0.95),
      p99: at(0.99),
      max: Number((latenciesMs.at(-1) ?? 0).toFixed(3)),
    },
    failures: Object.fromEntries(failures),
  };
  if (json) {
    output.json(result);
    return;
  }
  const { p50, p95, p99, max } = result.latencyMs;
  output.line(
    `${workload}: ${result.operationsPerSecond.toLocaleString('en')} operations/s, ${clients} clients, ${seconds} s`,
  );
  output.line(`latency: p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms, longest ${max} ms`);
  for (const [code, count] of failures) output.line(`${count} failed: ${code}`);
}
