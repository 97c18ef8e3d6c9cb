import type { Command } from 'commander';
import { connectionOptions, type ConnectionOptions, openStore } from '../connection.ts';
import type { Output } from '../output.ts';
import { keyMember, valueLine, valueMember } from '../rows/json-row.ts';
import { wholeNumber } from '../usage-error.ts';

interface Options extends ConnectionOptions {
  readonly keyspace: string;
  readonly from?: number;
  readonly limit?: number;
}

/** `watch`: changes as they happen, until Ctrl-C. */
export function addWatchCommand(program: Command, output: Output): void {
  connectionOptions(program.command('watch'))
    .argument('[prefix]', 'only keys that begin with this')
    .option('-k, --keyspace <name>', 'keyspace', 'default')
    .option('--from <revision>', 'changes behind this revision too', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('-n, --limit <changes>', 'end after so many', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .description('print changes as they happen, one a line; with --json, one object a line')
    .action(async (prefix: string | undefined, options: Options) => {
      const { keyspace, from, limit = Number.POSITIVE_INFINITY, json = false } = options;
      await using store = await openStore(options);
      const stop = new AbortController();
      const interrupt = (): void => stop.abort();
      process.once('SIGINT', interrupt);
      try {
        const wanted = { prefix: Buffer.from(prefix ?? ''), from, signal: stop.signal };
        let seen = 0;
        for await (const { type, key, revision, resume, bytes, contentType } of store.watch(
          keyspace,
          wanted,
        )) {
          const value = type === 'put' ? valueMember(bytes, contentType) : {};
          if (json) output.json({ type, ...keyMember(key), revision, resume, ...value });
          else if (type === 'put') output.line(`put\t${key.toString()}\t${valueLine(bytes, contentType)}`);
          else output.line(`${type}\t${key.toString()}`);
          if (++seen >= limit) break;
        }
      } finally {
        process.off('SIGINT', interrupt);
      }
    });
}
