import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type KeyAnswer, requestKey } from './gateway-http.ts';
import type { Output } from './output.ts';

interface CommonOptions {
  readonly gateway: string;
  readonly keyspace: string;
  readonly json?: boolean;
  readonly deadlineMs?: string;
}

interface WriteOptions extends CommonOptions {
  readonly ifRevision?: number;
  readonly ifAbsent?: boolean;
}

/** `get`, `put` and `delete`. */
export function addKeyCommands(program: Command, output: Output): void {
  key(program.command('get'))
    .description('print the value of a key')
    .addOption(
      new Option('--consistency <level>', 'read level').choices(['strong', 'eventual']).default('strong'),
    )
    .action(async (name: string, options: CommonOptions & { readonly consistency: string }) => {
      const answer = await requestKey(options.gateway, {
        method: 'GET',
        keyspace: options.keyspace,
        key: name,
        headers: commonHeaders(options),
        query: { consistency: options.consistency },
      });
      if (options.json === true) output.json(valueJson(name, answer));
      else output.bytes(answer.body);
    });

  conditions(key(program.command('put')))
    .argument('[value]', 'the value as text; without it, standard input')
    .option('--content-type <type>', 'media type of the value', 'text/plain; charset=utf-8')
    .description('write a value')
    .action(
      async (
        name: string,
        value: string | undefined,
        options: WriteOptions & { readonly contentType: string },
      ) => {
        const answer = await requestKey(options.gateway, {
          method: 'PUT',
          keyspace: options.keyspace,
          key: name,
          body: value === undefined ? readFileSync(0) : Buffer.from(value),
          headers: {
            ...commonHeaders(options),
            ...conditionHeaders(options),
            'content-type': options.contentType,
          },
        });
        written(output, options, name, answer);
      },
    );

  conditions(key(program.command('delete')))
    .alias('del')
    .description('remove a key')
    .action(async (name: string, options: WriteOptions) => {
      const answer = await requestKey(options.gateway, {
        method: 'DELETE',
        keyspace: options.keyspace,
        key: name,
        headers: { ...commonHeaders(options), ...conditionHeaders(options) },
      });
      written(output, options, name, answer);
    });
}

function key(command: Command): Command {
  return command
    .argument('<key>', 'the key')
    .option('-k, --keyspace <name>', 'keyspace', 'default')
    .option('--deadline-ms <ms>', 'longest wait for the cluster');
}

function conditions(command: Command): Command {
  return command
    .option('--if-revision <revision>', 'only if this is the current revision', parseRevision)
    .option('--if-absent', 'only if the key has no value');
}

function parseRevision(text: string): number {
  const revision = Number(text);
  if (!Number.isSafeInteger(revision) || revision < 1)
    throw new InvalidArgumentError('a revision is a positive integer.');
  return revision;
}

function commonHeaders({ deadlineMs }: CommonOptions): Record<string, string> {
  return deadlineMs === undefined ? {} : { 'holdfast-deadline-ms': deadlineMs };
}

function conditionHeaders({ ifRevision, ifAbsent }: WriteOptions): Record<string, string> {
  return {
    ...(ifRevision === undefined ? {} : { 'if-match': `"${ifRevision}"` }),
    ...(ifAbsent === true ? { 'if-none-match': '*' } : {}),
  };
}

function written(output: Output, { json }: CommonOptions, name: string, { revision }: KeyAnswer): void {
  if (json === true) output.json({ key: name, revision });
  else output.line(`revision ${revision}`);
}

function valueJson(
  name: string,
  { revision, contentType, consistency, body }: KeyAnswer,
): Record<string, unknown> {
  const text = body.toString('utf8');
  const isText = Buffer.from(text).equals(body);
  return {
    key: name,
    revision,
    contentType,
    consistency,
    ...(isText ? { value: text } : { valueBase64: body.toString('base64') }),
  };
}
