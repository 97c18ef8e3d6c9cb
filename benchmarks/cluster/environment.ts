import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { findBinary } from './systems/find-binary.ts';

/** What the numbers were taken on. */
export interface Environment {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly revision: string;
  readonly versions: Readonly<Record<string, string>>;
}

export function environment(): Environment {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    revision: firstLine('git', ['-C', import.meta.dirname, 'describe', '--always', '--dirty']) ?? 'unknown',
    versions: Object.fromEntries(
      [
        ['etcd', firstLine(findBinary(['etcd'], 'ETCD_BIN'), ['--version'])],
        ['redis', firstLine(findBinary(['redis-server', 'valkey-server'], 'REDIS_BIN'), ['--version'])],
        ['nats', firstLine(findBinary(['nats-server'], 'NATS_BIN'), ['--version'])],
      ].filter((pair): pair is [string, string] => pair[1] !== undefined),
    ),
  };
}

function firstLine(command: string | undefined, args: readonly string[]): string | undefined {
  if (command === undefined) return undefined;
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(
      '\n',
    )[0];
  } catch {
    return undefined;
  }
}
