import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { SUPERVISED_VARIABLE } from '@holdfast/service';
import type { ProcessSpec } from './layout.ts';

/**
 * A young heap collects garbage far too often for a server: frames and entries live outside of it, and with the
 * small initial limit each few megabytes of them start a full collection (`docs/benchmarks/data-path.md`).
 */
const RUNTIME_FLAGS: readonly string[] = [
  '--disable-warning=ExperimentalWarning',
  '--initial-old-space-size=512',
  '--min-semi-space-size=16',
  '--max-semi-space-size=64',
];

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** `exit code 1`, `signal SIGKILL`. */
export function describeEnding({ code, signal }: Ending): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

/** Why a process says that it ends. */
export interface LastWords {
  readonly message: string;
  /** Of the table of errors, when the reason has one. */
  readonly code: string | undefined;
}

/** Of a line of a log that says why its process ends; undefined for any other line. */
export function lastWordsOf(line: string): LastWords | undefined {
  if (!line.includes('"level":"fatal"')) return undefined;
  try {
    const { msg, err } = JSON.parse(line) as {
      readonly msg?: string;
      readonly err?: { readonly code?: string };
    };
    return { message: String(msg), code: err?.code };
  } catch {
    return undefined;
  }
}

/** One started process: its lines go to `onLine`, and its end is a promise. It stops when this process is gone. */
export class Child {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcess;
  #running = true;
  #lastWords: LastWords | undefined;

  /** @throws Error when the process cannot be started at all. */
  constructor(spec: ProcessSpec, onLine: (line: string) => void) {
    // A group of its own: Ctrl-C in the terminal reaches the supervisor only, which then stops all in order.
    this.#process = spawn(process.execPath, [...RUNTIME_FLAGS, spec.entry], {
      env: { ...withoutSettings(process.env), ...spec.settings, [SUPERVISED_VARIABLE]: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid, stdout, stderr } = this.#process;
    if (pid === undefined) throw new Error(`${spec.name} could not be started`);
    this.pid = pid;
    for (const stream of [stdout, stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.#lastWords = lastWordsOf(line) ?? this.#lastWords;
        onLine(line);
      });
    }
    this.ended = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        this.#running = false;
        resolve({ code, signal });
      });
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** What it said last about why it could not go on. */
  get lastWords(): LastWords | undefined {
    return this.#lastWords;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#running) this.#process.kill(signal);
  }
}

/** What was meant for this process must not configure its children. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('HOLDFAST_')));
}
