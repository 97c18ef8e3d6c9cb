import Table from 'cli-table3';
import type { Command } from 'commander';
import { connectionOptions, type ConnectionOptions, openGateway } from '../connection.ts';
import type { Output } from '../output.ts';
import type { GatewayStore } from '../store/gateway-store.ts';
import { duration, wholeNumber } from '../usage-error.ts';

interface KeyspaceRow {
  readonly name: string;
  readonly state: string;
  readonly default_ttl_ms: number;
  readonly key_bytes_max: number;
  readonly value_bytes_max: number;
  readonly retention_ms: number;
  readonly keys_left?: number;
}
interface SettingsOptions extends ConnectionOptions {
  readonly defaultTtl?: number;
  readonly keyBytesMax?: number;
  readonly valueBytesMax?: number;
  readonly retention?: number;
}

const BYTES_MAX = 2 ** 31;

/** `keyspace`: what keyspaces there are. */
export function addKeyspaceCommands(program: Command, output: Output): void {
  const keyspaces = program.command('keyspace').description('make, list, change and delete keyspaces');
  const show = ({ json }: ConnectionOptions, row: KeyspaceRow): void => {
    if (json === true) output.json(row);
    else output.line(tableOf([row]));
  };

  settingsOptions(keyspaces.command('create'))
    .description('make a keyspace (administrators)')
    .argument('<name>', 'letters, digits, ".", "_" and "-"')
    .action(async (name: string, options: SettingsOptions) => {
      await using gateway = openGateway(options);
      show(options, await send(gateway, 'POST', '/v1/keyspaces', { name, ...settingsOf(options) }));
    });

  connectionOptions(keyspaces.command('list'))
    .description('the keyspaces of which the token grants something')
    .action(async (options: ConnectionOptions) => {
      await using gateway = openGateway(options);
      const all: KeyspaceRow[] = [];
      for (let after: string | undefined = ''; after !== undefined;) {
        const path: string = `/v1/keyspaces?limit=1000&after=${encodeURIComponent(after)}`;
        const page = (await gateway.json({ method: 'GET', path })) as {
          readonly keyspaces: readonly KeyspaceRow[];
          readonly next?: string;
        };
        all.push(...page.keyspaces);
        after = page.next;
      }
      if (options.json === true) output.json(all);
      else output.line(tableOf(all));
    });

  connectionOptions(keyspaces.command('describe'))
    .description('one keyspace; while it is being deleted, how many keys are left')
    .argument('<name>')
    .action(async (name: string, options: ConnectionOptions) => {
      await using gateway = openGateway(options);
      show(options, await send(gateway, 'GET', pathOf(name)));
    });

  settingsOptions(keyspaces.command('update'))
    .description('change the settings that are given (administrators)')
    .argument('<name>')
    .action(async (name: string, options: SettingsOptions) => {
      await using gateway = openGateway(options);
      show(options, await send(gateway, 'PATCH', pathOf(name), settingsOf(options)));
    });

  connectionOptions(keyspaces.command('delete'))
    .description('hide a keyspace at once, and remove all its values in the background (administrators)')
    .argument('<name>')
    .action(async (name: string, options: ConnectionOptions) => {
      await using gateway = openGateway(options);
      show(options, await send(gateway, 'DELETE', pathOf(name)));
    });
}

function settingsOptions(command: Command): Command {
  return connectionOptions(command)
    .option('--default-ttl <time>', 'time to live of values that name none: 30m, 7d', duration)
    .option('--key-bytes-max <n>', 'longest key; 0 = as long as keys can be', wholeNumber(0, BYTES_MAX))
    .option('--value-bytes-max <n>', 'longest value; 0 = as long as values can be', wholeNumber(0, BYTES_MAX))
    .option('--retention <time>', 'how long old versions stay readable: 1h, 7d', duration);
}

function settingsOf({ defaultTtl, keyBytesMax, valueBytesMax, retention }: SettingsOptions): object {
  return {
    default_ttl_ms: defaultTtl,
    key_bytes_max: keyBytesMax,
    value_bytes_max: valueBytesMax,
    retention_ms: retention,
  };
}

const pathOf = (name: string): string => `/v1/keyspaces/${encodeURIComponent(name)}`;

async function send(
  gateway: GatewayStore,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: object,
): Promise<KeyspaceRow> {
  const content =
    body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return (await gateway.json({ method, path, ...content })) as KeyspaceRow;
}

function tableOf(rows: readonly KeyspaceRow[]): string {
  const table = new Table({
    head: ['name', 'state', 'default ttl ms', 'key bytes', 'value bytes', 'retention ms', 'keys left'],
  });
  for (const row of rows) {
    const limits = [row.default_ttl_ms, row.key_bytes_max, row.value_bytes_max].map((n) => n || 'none');
    table.push([row.name, row.state, ...limits, row.retention_ms || 'default', row.keys_left ?? '']);
  }
  return table.toString();
}
