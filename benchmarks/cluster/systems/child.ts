import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** A server that does not come up within this is given up, in milliseconds. */
export const START_MS_MAX = 20_000;
/** A process gets this long to end by itself before it is killed, in milliseconds. */
const STOP_MS_MAX = 5_000;

/** A process of a system under test. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Resolves when it is gone, also when it never came up. */
  readonly exited: Promise<void>;
  /** What it has printed so far. */
  output(): string;
  /** Ends it in order, or by force when that takes too long. */
  stop(): Promise<void>;
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Its output goes here. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  /** With a channel for messages, for processes of Node. */
  readonly ipc?: boolean;
}

/** Starts a process whose output goes to a file. */
export function startChild(options: ChildOptions): Child {
  const log = openSync(options.logFile, 'a');
  const child = spawn(options.command, options.args, {
    stdio: options.ipc === true ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
    env: { ...process.env, ...options.env },
  });
  closeSync(log);
  let failure: Error | undefined;
  child.on('error', (error) => (failure = error));
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null && failure === undefined) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    await exited;
    clearTimeout(timer);
  };
  return {
    name: options.name,
    pid: child.pid ?? 0,
    process: child,
    exited,
    output: () => `${failure?.message ?? ''}${readFileSync(options.logFile, 'utf8')}`,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/**
 * Asks again and again until `check` is true. When it never is, or one of the children ends, all of them are killed.
 *
 * @throws Error with the last lines of the children's output.
 */
export async function waitUntil(
  what: string,
  children: readonly Child[],
  check: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  let dead: Child | undefined;
  while (dead === undefined && performance.now() < deadline) {
    try {
      if (await check()) return;
    } catch {
      // Not there yet.
    }
    dead = children.find(({ process }) => process.exitCode !== null);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await Promise.all(children.map((child) => child.kill()));
  if (dead !== undefined) throw new Error(`${dead.name} has ended:\n${tail(dead)}`);
  throw new Error(`${what} did not come up:\n${children.map(tail).join('\n')}`);
}

function tail(child: Child): string {
  return child.output().split('\n').slice(-20).join('\n');
}

/** Free ports of the loopback interface, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a listener has a port');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
