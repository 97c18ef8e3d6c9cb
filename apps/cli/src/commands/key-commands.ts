import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import { ClusterError } from '../cluster-error.ts';
import { connectionOptions, type ConnectionOptions, openStore } from '../connection.ts';
import type { Output } from '../output.ts';
import { jsonRow, valueLine } from '../rows/json-row.ts';
import { duration, wholeNumber } from '../usage-error.ts';

interface KeyOptions extends ConnectionOptions {
  readonly keyspace: string;
}
interface ReadOptions extends KeyOptions {
  readonly consistency: 'strong' | 'eventual';
  readonly revision?: number;
}
interface WriteOptions extends KeyOptions {
  readonly ifRevision?: number;
  readonly ifAbsent?: boolean;
  readonly idempotencyKey?: string;
}
interface ScanOptions extends ReadOptions {
  readonly prefix?: string;
  readonly start?: string;
  readonly end?: string;
  readonly reverse?: boolean;
  readonly keysOnly?: boolean;
  readonly limit?: number;
}

const revision = wholeNumber(1, Number.MAX_SAFE_INTEGER);

/** `get`, `put`, `del`, `incr` and `scan`. */
export function addKeyCommands(program: Command, output: Output): void {
  reads(keys(program.command('get')).argument('<key>', 'the key'))
    .description('print the value of a key')
    .action(async (key: string, options: ReadOptions) => {
      await using store = await openStore(options);
      const value = await store.get(options.keyspace, Buffer.from(key), options);
      if (value === undefined) throw keyNotFound();
      if (options.json === true) output.json(jsonRow({ key: Buffer.from(key), ...value }));
      else output.bytes(value.bytes);
    });

  writes(keys(program.command('put')).argument('<key>', 'the key'))
    .argument('[value]', 'the value as text; without it and without --file, standard input')
    .option('-f, --file <file>', 'the value is what this file holds')
    .option('--content-type <type>', 'media type of the value', 'text/plain; charset=utf-8')
    .option('--ttl <time>', 'the value ends after this long: 30s, 15m, 2h, 7d', duration)
    .description('write a value')
    .action(
      async (
        key: string,
        value: string | undefined,
        options: WriteOptions & {
          readonly file?: string;
          readonly contentType: string;
          readonly ttl?: number;
        },
      ) => {
        const { keyspace, file, ttl: ttlMs } = options;
        const bytes = value === undefined ? readFileSync(file ?? 0) : Buffer.from(value);
        await using store = await openStore(options);
        const written = await store.put(keyspace, Buffer.from(key), bytes, { ...options, ttlMs });
        told(output, options, { key, revision: written });
      },
    );

  writes(keys(program.command('del')).alias('delete').argument('<key>', 'the key'))
    .description('remove a key')
    .action(async (key: string, options: WriteOptions) => {
      await using store = await openStore(options);
      told(output, options, {
        key,
        revision: await store.delete(options.keyspace, Buffer.from(key), options),
      });
    });

  keys(program.command('incr'))
    .argument('<key>', 'the key of a counter')
    .argument('[delta]', 'what is added', wholeNumber(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER), 1)
    .option(
      '--idempotency-key <key>',
      'count once, however often this is sent; a new one with the value "new"',
    )
    .description('add to a counter; -- before a negative number')
    .action(
      async (key: string, delta: number, options: KeyOptions & { readonly idempotencyKey?: string }) => {
        const idempotencyKey = options.idempotencyKey === 'new' ? randomUUID() : options.idempotencyKey;
        await using store = await openStore(options);
        const counted = await store.increment(options.keyspace, Buffer.from(key), delta, { idempotencyKey });
        if (options.json === true) output.json({ key, ...counted });
        else output.line(String(counted.value));
      },
    );

  reads(keys(program.command('scan')))
    .argument('[prefix]', 'only keys that begin with this')
    .option('--start <key>', 'first key')
    .option('--end <key>', 'key behind the last')
    .option('--reverse', 'from the last key to the first')
    .option('--keys-only', 'without values')
    .option('-n, --limit <rows>', 'rows at most', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .description('print keys and values in order, one a line; with --json, one object a line')
    .action(async (prefix: string | undefined, options: ScanOptions) => {
      await using store = await openStore(options);
      const { keyspace, start, end } = options;
      const bounds = { prefix: bytesOf(prefix), start: bytesOf(start), end: bytesOf(end) };
      for await (const row of store.scan(keyspace, { ...options, ...bounds })) {
        const { key: _, ...shown } = jsonRow(row);
        const key = row.key.toString();
        if (options.json === true)
          output.json(options.keysOnly === true ? { key, revision: row.revision } : { key, ...shown });
        else if (options.keysOnly === true) output.line(key);
        else output.line(`${key}\t${valueLine(row.bytes, row.contentType)}`);
      }
    });
}

function keys(command: Command): Command {
  return connectionOptions(command).option('-k, --keyspace <name>', 'keyspace', 'default');
}

function reads(command: Command): Command {
  return command
    .addOption(
      new Option('--consistency <level>', 'read level').choices(['strong', 'eventual']).default('strong'),
    )
    .option('--revision <revision>', 'as it was at this revision', revision);
}

function writes(command: Command): Command {
  return command
    .option('--if-revision <revision>', 'only if this is the current revision', revision)
    .option('--if-absent', 'only if the key has no value')
    .option('--idempotency-key <key>', 'apply once, however often this is sent');
}

function told(
  output: Output,
  { json }: KeyOptions,
  result: { readonly key: string; readonly revision: number },
): void {
  if (json === true) output.json(result);
  else output.line(`revision ${result.revision}`);
}

function keyNotFound(): ClusterError {
  return new ClusterError({
    status: 404,
    code: 'HF_KEY_NOT_FOUND',
    title: 'Key not found',
    outcome: 'not_applied',
  });
}

function bytesOf(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}
