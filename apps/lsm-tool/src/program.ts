import { CorruptionError, type InspectWorld, checkTree, directoryStats, dumpTable } from '@holdfast/lsm';
import { Command, InvalidArgumentError } from 'commander';
import { entryAsJson, entryAsText, reportAsText, statsAsText } from './as-text.ts';

/** The tree is damaged. */
export const EXIT_DAMAGED = 1;
/** It could not be looked at: it is in use, not there, or the disk fails; or the command was not understood. */
export const EXIT_UNUSABLE = 2;

export function exitCodeOf(error: unknown): number {
  return error instanceof CorruptionError ? EXIT_DAMAGED : EXIT_UNUSABLE;
}

export interface Surroundings {
  readonly world: InspectWorld;
  readonly print: (line: string) => void;
  readonly exitWith: (code: number) => void;
}

interface DumpOptions {
  readonly json?: true;
  readonly values?: true;
  readonly limit?: number;
}

/** The `holdfast-lsm` command. Changes nothing but the lock file. */
export function createProgram({ world, print, exitWith }: Surroundings): Command {
  const program = new Command('holdfast-lsm')
    .description('Looks into the directory of a storage engine that nobody has open.')
    .exitOverride();

  program
    .command('verify <directory>')
    .description(
      'check every checksum, the order of everything, the manifest against the directory, and the log',
    )
    .option('--json', 'print one JSON object')
    .exitOverride()
    .action(async (directory: string, { json }: { readonly json?: true }) => {
      const report = await locked(world, directory, () => checkTree(world, directory));
      print(json === true ? JSON.stringify(report) : reportAsText(report));
      if (report.faults.length > 0) exitWith(EXIT_DAMAGED);
    });

  program
    .command('stats <directory>')
    .description('tables, entries and bytes of each level, and what the log holds')
    .option('--json', 'print one JSON object')
    .exitOverride()
    .action(async (directory: string, { json }: { readonly json?: true }) => {
      const stats = await locked(world, directory, () => directoryStats(world, directory));
      print(json === true ? JSON.stringify(stats) : statsAsText(stats));
    });

  program
    .command('dump <table>')
    .description('print the entries of a table file (000123.sst), one a line, while checking them')
    .option('--json', 'one JSON object a line; keys and values in base64url')
    .option('--values', 'print values, not only their lengths')
    .option('--limit <count>', 'stop printing after so many entries', countOf)
    .exitOverride()
    .action(async (table: string, { json, values, limit }: DumpOptions) => {
      let left = limit ?? Number.POSITIVE_INFINITY;
      const withValues = values === true;
      await dumpTable(world, table, (entry) => {
        if (left-- > 0)
          print(json === true ? entryAsJson(entry, withValues) : entryAsText(entry, withValues));
      });
    });

  return program;
}

function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0) throw new InvalidArgumentError('expected a whole number');
  return count;
}

/** Nobody opens the tree meanwhile; a tree that is in use is refused. */
async function locked<T>({ disk }: InspectWorld, directory: string, look: () => Promise<T>): Promise<T> {
  // A directory that is not there is an error of its own, and not made.
  await disk.list(directory);
  const lock = await disk.lock(directory);
  try {
    return await look();
  } finally {
    await lock.release();
  }
}
