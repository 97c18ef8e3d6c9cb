import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ConnectOptions, TlsIdentity } from '@holdfast/client/node';
import type { Command } from 'commander';
import { GatewayStore } from './store/gateway-store.ts';
import { NodeStore } from './store/node-store.ts';
import type { Store } from './store/store.ts';
import { UsageError, wholeNumber } from './usage-error.ts';

export const URL_DEFAULT = 'http://127.0.0.1:7700';
const DEADLINE_MS_DEFAULT = 5000;

export type Environment = Readonly<Record<string, string | undefined>>;

/** What every command that talks to a cluster takes. */
export interface ConnectionOptions {
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly profile?: string;
  readonly deadlineMs?: number;
  readonly json?: boolean;
}

export interface Target {
  readonly url: string;
  readonly token: string | undefined;
  /** For data nodes that speak TLS: certificate, key and authority, in PEM. */
  readonly tls: TlsIdentity | undefined;
  readonly deadlineMs: number;
}

interface Profile {
  readonly url?: string;
  readonly token?: string;
  readonly token_file?: string;
}

export function connectionOptions(command: Command): Command {
  return command
    .option('-u, --url <url>', 'http://host:port of a gateway, or holdfast://host:port[,…] of data nodes')
    .option('--token <token>', 'bearer token; better in HOLDFAST_TOKEN or a file, where nobody sees it')
    .option('--token-file <file>', 'file with the bearer token')
    .option('--profile <name>', 'profile of the configuration file')
    .option('--deadline-ms <ms>', 'longest wait of one request', wholeNumber(1, 60_000))
    .option('--json', 'print JSON');
}

/**
 * Where to go and with which token: options over the environment over the profile over the default.
 *
 * @throws UsageError when the configuration cannot be used.
 */
export function targetOf(options: ConnectionOptions, environment: Environment): Target {
  const profile = profileOf(options.profile, environment);
  const url = options.url ?? set(environment['HOLDFAST_URL']) ?? profile.url ?? URL_DEFAULT;
  if (!/^(https?|holdfast):\/\//.test(url)) {
    throw new UsageError(`${url}: an address begins with http://, https:// or holdfast://`);
  }
  const tokens = [
    [options.token, options.tokenFile],
    [set(environment['HOLDFAST_TOKEN']), set(environment['HOLDFAST_TOKEN_FILE'])],
    [profile.token, profile.token_file],
  ] as const;
  const [token, file] = tokens.find(([one, other]) => one !== undefined || other !== undefined) ?? [];
  return {
    url,
    token: token ?? (file === undefined ? undefined : readText(file)),
    tls: tlsOf(environment),
    deadlineMs: options.deadlineMs ?? DEADLINE_MS_DEFAULT,
  };
}

/** How to connect straight to data nodes. */
export function nodeOptions({ token, tls, deadlineMs }: Target): ConnectOptions {
  return {
    deadlineMs,
    agent: 'holdfast-cli',
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** @throws UsageError for half an identity. */
function tlsOf(environment: Environment): TlsIdentity | undefined {
  const [cert, key, ca] = ['CERT', 'KEY', 'CA'].map((part) => set(environment[`HOLDFAST_TLS_${part}_FILE`]));
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined || ca === undefined) {
    throw new UsageError(
      'HOLDFAST_TLS_CERT_FILE, HOLDFAST_TLS_KEY_FILE and HOLDFAST_TLS_CA_FILE: all three or none',
    );
  }
  return { cert: readText(cert), key: readText(key), ca: readText(ca) };
}

/** A connection to what the options name; whoever opens it disposes of it. @throws UsageError, ClusterError. */
export async function openStore(options: ConnectionOptions): Promise<Store> {
  const target = targetOf(options, process.env);
  return isGateway(target) ? new GatewayStore(target) : await NodeStore.open(target.url, nodeOptions(target));
}

/** For what only a gateway offers. @throws UsageError. */
export function openGateway(options: ConnectionOptions): GatewayStore {
  const target = targetOf(options, process.env);
  if (!isGateway(target)) throw new UsageError('this command needs a gateway: --url http://host:port');
  return new GatewayStore(target);
}

function isGateway({ url }: Target): boolean {
  return url.startsWith('http');
}

function profileOf(name: string | undefined, environment: Environment): Profile {
  const path =
    set(environment['HOLDFAST_CLI_CONFIG']) ??
    join(set(environment['XDG_CONFIG_HOME']) ?? join(homedir(), '.config'), 'holdfast', 'config.json');
  const wanted = name ?? set(environment['HOLDFAST_PROFILE']);
  let content: { readonly profiles?: Readonly<Record<string, Profile>> };
  try {
    content = JSON.parse(readFileSync(path, 'utf8')) as typeof content;
  } catch (error) {
    if (wanted === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const profile = content.profiles?.[wanted ?? 'default'];
  if (profile === undefined && wanted !== undefined)
    throw new UsageError(`${path}: there is no profile ${wanted}`);
  return profile ?? {};
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** An empty variable is none. */
function set(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
