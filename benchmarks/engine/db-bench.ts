import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './run-job.ts';
import type { ProgramName } from './names.ts';
import type { Workload } from './workload.ts';

/** Where to look, in this order: the variable, then these names on the PATH. */
const PLACES: Readonly<
  Record<ProgramName, { readonly variable: string; readonly names: readonly string[] }>
> = {
  'rocksdb-db_bench': { variable: 'ROCKSDB_DB_BENCH', names: ['rocksdb_db_bench', 'db_bench'] },
  'leveldb-db_bench': { variable: 'LEVELDB_DB_BENCH', names: ['leveldb_db_bench', 'leveldb-db_bench'] },
};

/** Path of the program, or undefined when this machine has none. */
export function findProgram(name: ProgramName): string | undefined {
  const { variable, names } = PLACES[name];
  const given = process.env[variable];
  if (given !== undefined) return given;
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const file of names) {
      const path = join(directory, file);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        continue;
      }
    }
  }
  return undefined;
}

interface Benchmark {
  /** What is run, the last of it measured; on the database that {@link FILLED} makes when the workload wants one. */
  readonly names: readonly string[];
  readonly flags: readonly string[];
}

/** The program's own form of a workload, or undefined when it has none. */
export function benchmarkOf(
  name: ProgramName,
  { action, start }: Workload,
  entries: number,
  operations: number,
): Benchmark | undefined {
  const isRocks = name === 'rocksdb-db_bench';
  const reads = [`--reads=${operations}`];
  switch (action.kind) {
    case 'put': {
      if (action.inFlight > 1 && action.sync) return undefined;
      const num = [`--num=${start === 'new' ? operations : entries}`];
      if (action.sync)
        return isRocks ? { names: ['fillrandom'], flags: [...num, '--sync=1'] } : syncOfLevel(operations);
      if (start === 'copy') {
        // Only RocksDB's overwrite has batches.
        return isRocks
          ? { names: ['fillrandom', 'overwrite'], flags: [...num, `--batch_size=${action.batch}`] }
          : undefined;
      }
      if (action.order === 'sequential') return { names: ['fillseq'], flags: num };
      if (action.batch === 1) return { names: ['fillrandom'], flags: num };
      return isRocks ? { names: ['fillrandom'], flags: [...num, `--batch_size=${action.batch}`] } : undefined;
    }
    case 'get':
      return {
        names: [action.missing ? 'readmissing' : 'readrandom'],
        flags: [`--num=${entries}`, ...reads],
      };
    case 'ranges':
      if (!isRocks) return undefined;
      return {
        names: ['seekrandom'],
        flags: [`--num=${entries}`, ...reads, `--seek_nexts=${action.length}`],
      };
    case 'scan':
      return { names: [action.reverse ? 'readreverse' : 'readseq'], flags: [`--num=${entries}`] };
    default:
      return undefined;
  }
}

/** LevelDB's program divides the count of a synced fill by 1000. */
function syncOfLevel(operations: number): Benchmark {
  return { names: ['fillsync'], flags: [`--num=${operations * 1_000}`] };
}

/** Every entry once, then all of it in the deepest level: what the other engines read from. */
const FILLED: readonly string[] = ['fillseq', 'compact'];

/** Makes the database of all entries in an empty directory. */
export async function fillByProgram(
  name: ProgramName,
  program: string,
  workload: Workload,
  entries: number,
  directory: string,
): Promise<void> {
  await runProgram(name, program, { names: FILLED, flags: [`--num=${entries}`] }, workload, directory);
}

/**
 * Runs the program in a directory that is empty, or that {@link fillByProgram} has filled; operations per second of
 * the last benchmark.
 */
export async function runProgram(
  name: ProgramName,
  program: string,
  { names, flags }: Benchmark,
  workload: Workload,
  directory: string,
): Promise<number> {
  const common = [
    `--benchmarks=${names.join(',')}`,
    `--db=${directory}`,
    `--value_size=${workload.valueBytes}`,
    `--cache_size=${workload.cacheBytes}`,
    '--bloom_bits=10',
    '--write_buffer_size=33554432',
    ...(existsSync(join(directory, 'CURRENT')) ? ['--use_existing_db=1'] : []),
    ...flags,
  ];
  const own =
    name === 'rocksdb-db_bench'
      ? ['--key_size=16', '--compression_type=none', '--threads=1']
      : ['--compression_ratio=1.0'];
  const { stdout, stderr } = await run(program, [...common, ...own]);
  const opsPerSecond = parseProgram(`${stdout}\n${stderr}`, names.at(-1)!);
  if (opsPerSecond === undefined)
    throw new Error(`${program} printed no figure for ${names.at(-1)}:\n${stdout}${stderr}`);
  return opsPerSecond;
}

/**
 * ```
 * fillrandom   :       2.512 micros/op 398089 ops/sec 2.512 seconds 1000000 operations;   44.0 MB/s     RocksDB
 * fillrandom   :       3.107 micros/op;   35.6 MB/s                                                   LevelDB
 * ```
 */
export function parseProgram(output: string, benchmark: string): number | undefined {
  const line = new RegExp(`^${benchmark}\\s*:\\s*([\\d.]+) micros/op(?:\\s+(\\d+) ops/sec)?`, 'm').exec(
    output,
  );
  if (line === null) return undefined;
  return line[2] === undefined ? 1e6 / Number(line[1]) : Number(line[2]);
}
