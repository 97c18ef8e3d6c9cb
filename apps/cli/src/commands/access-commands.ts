import Table from 'cli-table3';
import { type Command, InvalidArgumentError } from 'commander';
import { connectionOptions, type ConnectionOptions, openGateway } from '../connection.ts';
import type { Output } from '../output.ts';
import { duration, wholeNumber } from '../usage-error.ts';

interface Grant {
  readonly role: string;
  readonly keyspace: string;
  readonly prefix?: string;
}
interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly state: string;
  readonly grants: readonly Grant[];
  readonly expires_at?: string;
}
interface NewKeyOptions extends ConnectionOptions {
  readonly tenant: string;
  readonly name?: string;
  readonly grant?: readonly Grant[];
  readonly expiresIn?: number;
  readonly requestsPerSecond?: number;
  readonly bytesPerSecond?: number;
  readonly watchers?: number;
}
interface UsageOptions extends ConnectionOptions {
  readonly tenant?: string;
  readonly from?: string;
  readonly to?: string;
}

const many = wholeNumber(0, 1e9);

/** `api-key` and `usage`: what a gateway alone offers. */
export function addAccessCommands(program: Command, output: Output): void {
  const keys = program.command('api-key').description('make, list and revoke API keys (administrators)');
  const path = (id = ''): string => `/v1/api-keys${id === '' ? '' : `/${encodeURIComponent(id)}`}`;

  connectionOptions(keys.command('create'))
    .description('make a key; it is shown this once')
    .requiredOption('--tenant <tenant>', 'whom usage belongs to')
    .option('--name <name>', 'for people')
    .option('--grant <grant...>', 'role:keyspace[:prefix], as in write:users:acme/', grants)
    .option('--expires-in <time>', 'it ends after this long: 12h, 90d', duration)
    .option('--requests-per-second <n>', 'limit', many)
    .option('--bytes-per-second <n>', 'limit', many)
    .option('--watchers <n>', 'limit', many)
    .action(async (options: NewKeyOptions) => {
      const { tenant, name, grant = [], expiresIn, requestsPerSecond, bytesPerSecond, watchers } = options;
      await using gateway = openGateway(options);
      const made = (await gateway.json({
        method: 'POST',
        path: path(),
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          tenant,
          name,
          grants: grant,
          limits: { requestsPerSecond, bytesPerSecond, watchers },
          ...(expiresIn === undefined ? {} : { expiresInSeconds: Math.max(1, Math.floor(expiresIn / 1000)) }),
        }),
      })) as ApiKey & { readonly key: string };
      if (options.json === true) output.json(made);
      else output.line(made.key);
    });

  connectionOptions(keys.command('list'))
    .description('every key, without its secret')
    .action(async (options: ConnectionOptions) => {
      await using gateway = openGateway(options);
      const all: ApiKey[] = [];
      for (let after: string | undefined = ''; after !== undefined;) {
        const query: string = after === '' ? '' : `&after=${after}`;
        const page = (await gateway.json({ method: 'GET', path: `${path()}?limit=1000${query}` })) as {
          readonly keys: readonly ApiKey[];
          readonly next?: string;
        };
        all.push(...page.keys);
        after = page.next;
      }
      if (options.json === true) output.json(all);
      else output.line(tableOf(all));
    });

  connectionOptions(keys.command('revoke'))
    .description('end a key; every gateway refuses it within seconds')
    .argument('<id>', 'id of the key, or its beginning hf_<id>_')
    .action(async (id: string, options: ConnectionOptions) => {
      const [, bare = id] = /^hf_([0-9a-f]{16})_/.exec(id) ?? [];
      await using gateway = openGateway(options);
      const revoked = (await gateway.json({ method: 'DELETE', path: path(bare) })) as ApiKey;
      if (options.json === true) output.json(revoked);
      else output.line(`${revoked.id} ${revoked.state}`);
    });

  connectionOptions(program.command('usage'))
    .description('what a tenant has used, by day')
    .option('--tenant <tenant>', 'another tenant than the own one (administrators)')
    .option('--from <day>', 'first day, as in 2026-11-01')
    .option('--to <day>', 'last day')
    .action(async (options: UsageOptions) => {
      const { tenant, from, to } = options;
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries({ tenant, from, to }))
        if (value !== undefined) query.set(name, value);
      await using gateway = openGateway(options);
      const usage = (await gateway.json({ method: 'GET', path: `/v1/usage?${query.toString()}` })) as {
        readonly total: Readonly<Record<string, number>>;
        readonly days: readonly Readonly<Record<string, string | number>>[];
      };
      if (options.json === true) {
        output.json(usage);
        return;
      }
      const fields = Object.keys(usage.total);
      const table = new Table({ head: ['day', ...fields] });
      for (const day of usage.days) table.push([day['day'] ?? '', ...fields.map((field) => day[field] ?? 0)]);
      table.push(['total', ...fields.map((field) => usage.total[field] ?? 0)]);
      output.line(table.toString());
    });
}

/** `write:users:acme/`: the prefix may hold colons itself. */
function grants(text: string, before: readonly Grant[] = []): readonly Grant[] {
  const [, role, keyspace, prefix] = /^([a-z]+):([^:]+)(?::(.*))?$/s.exec(text) ?? [];
  if (role === undefined || keyspace === undefined) throw new InvalidArgumentError('role:keyspace[:prefix].');
  return [...before, { role, keyspace, ...(prefix === undefined ? {} : { prefix }) }];
}

function tableOf(keys: readonly ApiKey[]): string {
  const table = new Table({ head: ['id', 'name', 'tenant', 'state', 'grants', 'expires'] });
  for (const { id, name, tenant, state, grants: granted, expires_at: expires = 'never' } of keys) {
    const texts = granted.map(({ role, keyspace, prefix = '' }) =>
      [role, keyspace, prefix].join(':').replace(/:$/, ''),
    );
    table.push([id, name, tenant, state, texts.join('\n'), expires]);
  }
  return table.toString();
}
