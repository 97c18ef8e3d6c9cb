import { parseArgs } from 'node:util';
import type { TreeOptions } from '@holdfast/lsm';

export interface Arguments {
  /** Entries of the database: the unit of every workload's size. */
  readonly entries: number;
  readonly rounds: number;
  readonly quick: boolean;
  readonly json: string | undefined;
  readonly writesDocs: boolean;
  /** Workloads whose name contains one of these; empty: all. */
  readonly only: readonly string[];
  /** Peers to leave out. */
  readonly without: readonly string[];
  /** Where databases are made; removed at the end. */
  readonly directory: string | undefined;
  /** Options of our tree, over the defaults of the workload. */
  readonly tree: TreeOptions;
  /** Folder for CPU profiles of our processes. */
  readonly profiles: string | undefined;
}

export const USAGE = `npm run bench:engine -- [options]
  --quick            100,000 entries, one round, no long workloads
  --entries N        default 1,000,000
  --rounds N         default 3; one for the long workloads
  --only TEXT        workloads whose name contains it; may be given several times
  --without PEER     leave a peer out; may be given several times
  --directory DIR    where the databases are made (default: a new one under the temporary directory)
  --json FILE        [{ workload, ours, peer, peerName, ratio, unit }]
  --write-docs       write docs/benchmarks/engine.md
  --tree JSON        options of our tree, as in '{"mmap":false}'
  --profiles DIR     CPU profiles of our side
Programs: db_bench of RocksDB and LevelDB are run when they are on the PATH or named by ROCKSDB_DB_BENCH, LEVELDB_DB_BENCH.`;

/** @throws TypeError on what it does not know. */
export function parseArguments(args: readonly string[]): Arguments | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      entries: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      without: { type: 'string', multiple: true, default: [] },
      directory: { type: 'string' },
      json: { type: 'string' },
      profiles: { type: 'string' },
      tree: { type: 'string', default: '{}' },
      'write-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    entries: positive(values.entries, 'entries') ?? (values.quick ? 100_000 : 1_000_000),
    rounds: positive(values.rounds, 'rounds') ?? (values.quick ? 1 : 3),
    quick: values.quick,
    json: values.json,
    writesDocs: values['write-docs'],
    only: values.only,
    without: values.without,
    directory: values.directory,
    profiles: values.profiles,
    tree: JSON.parse(values.tree) as TreeOptions,
  };
}

function positive(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`--${name} is a number above 0`);
  return value;
}
