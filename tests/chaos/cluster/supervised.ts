import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';

/** What to run. */
export interface Program {
  /** `node-1`, `gateway`. */
  readonly name: string;
  /** Arguments of Node.js: options, file, its arguments. */
  readonly args: readonly string[];
  readonly settings: Readonly<Record<string, string>>;
  /** Gets everything that the process writes. */
  readonly logFile: string;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export function describeEnding({ code, signal }: Ending): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

/** Bytes of a log that are worth printing. */
const TAIL_BYTES = 4_000;

/**
 * A program that is started, stopped, frozen and killed again and again. A life that ends without having been asked to
 * is reported: that is a failure of the program.
 */
export class Supervised {
  readonly program: Program;
  readonly #onUnexpectedEnd: (ending: Ending) => void;
  #child: ChildProcess | undefined;
  #ended: Promise<Ending> | undefined;
  #endExpected = false;
  #frozen = false;
  #logStart = 0;

  constructor(program: Program, onUnexpectedEnd: (ending: Ending) => void) {
    this.program = program;
    this.#onUnexpectedEnd = onUnexpectedEnd;
    process.on('exit', this.#killAtExit);
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** @param mayEnd the life may end by itself: somebody waits for it and judges. */
  start(mayEnd = false): void {
    if (this.#child !== undefined) return;
    const { args, settings, logFile, name } = this.program;
    const log = openSync(logFile, 'a');
    this.#logStart = statSync(logFile).size;
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      env: { ...withoutSettings(process.env), ...settings },
      stdio: ['ignore', log, log],
      // A group of its own: Ctrl-C in a terminal reaches only this process, which then ends all.
      detached: true,
    });
    closeSync(log);
    if (child.pid === undefined) throw new Error(`${name} could not be started`);
    this.#child = child;
    this.#endExpected = mayEnd;
    this.#frozen = false;
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        const ending = { code, signal };
        this.#child = undefined;
        this.#frozen = false;
        resolve(ending);
        if (!this.#endExpected) this.#onUnexpectedEnd(ending);
      });
    });
  }

  /** SIGKILL, which reaches a frozen process too. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM: the orderly way. Undefined when nothing runs. */
  terminate(): Promise<Ending | undefined> {
    return this.#end('SIGTERM');
  }

  /** How the present life ends; undefined when there is none. */
  ended(): Promise<Ending | undefined> {
    return this.#child === undefined
      ? Promise.resolve(undefined)
      : (this.#ended ?? Promise.resolve(undefined));
  }

  freeze(): void {
    if (this.#child?.kill('SIGSTOP') === true) this.#frozen = true;
  }

  thaw(): void {
    if (this.#frozen) this.#child?.kill('SIGCONT');
    this.#frozen = false;
  }

  /** What this life, or the last one, has written. */
  log(): string {
    try {
      return readFileSync(this.program.logFile).subarray(this.#logStart).toString();
    } catch {
      return '';
    }
  }

  logTail(): string {
    return this.log().slice(-TAIL_BYTES);
  }

  async #end(signal: NodeJS.Signals): Promise<Ending | undefined> {
    const child = this.#child;
    if (child === undefined) return undefined;
    this.#endExpected = true;
    child.kill(signal);
    if (this.#frozen && signal !== 'SIGKILL') this.thaw();
    return this.#ended;
  }

  readonly #killAtExit = (): void => {
    this.#child?.kill('SIGKILL');
  };
}

/** What configures this process must not configure its children. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('HOLDFAST_')));
}
