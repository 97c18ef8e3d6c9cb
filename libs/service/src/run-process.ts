import type { Logger } from '@holdfast/telemetry';

/** What a started process gives back: how it ends well. */
export interface Running {
  /** Stops taking work, finishes what is under way, closes. */
  stop(): Promise<void>;
}

export interface ProcessOptions {
  readonly log: Logger;
  /** Longest time that {@link Running.stop} may take after SIGTERM, in milliseconds; then the process ends all the same. */
  readonly drainMs: number;
}

/** Ends the process because it can not go on: one clear line, exit code 1. */
export type Fatal = (reason: string, error: unknown) => void;

/** Set by whoever starts a process and holds the other end of its standard input: when that ends, the process stops. */
export const SUPERVISED_VARIABLE = 'HOLDFAST_SUPERVISED';

const SIGNAL_NUMBERS = { SIGTERM: 15, SIGINT: 2 } as const;

/**
 * The life of a process. SIGTERM and SIGINT stop it in order; a second one, or a stop that takes longer than
 * `drainMs`, ends it at once. Whatever nobody has caught ends it too: a process that does not know its own state
 * must not go on.
 */
export async function runProcess(
  { log, drainMs }: ProcessOptions,
  start: (fatal: Fatal) => Promise<Running>,
): Promise<void> {
  const fatal: Fatal = (reason, error) => {
    log.fatal({ err: error }, `${reason}: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  };
  process.on('uncaughtException', (error) => fatal('unexpected error', error));
  process.on('unhandledRejection', (error) => fatal('unhandled rejection', error));

  // In the next turn: whoever sends a signal to a process that has said a word finds a handler.
  const starting = Promise.resolve().then(() => start(fatal));
  let stopping = false;
  const onSignal = (signal: keyof typeof SIGNAL_NUMBERS): void => {
    if (stopping) {
      log.warn({ signal }, 'second signal: stopping at once');
      process.exit(128 + SIGNAL_NUMBERS[signal]);
    }
    stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(
      () => fatal('not stopped in time', new Error(`still busy after ${drainMs} ms`)),
      drainMs,
    ).unref();
    starting
      .then((running) => running.stop())
      .then(
        () => {
          log.info('stopped');
          process.exit(0);
        },
        (error: unknown) => fatal('could not stop', error),
      );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  if (process.env[SUPERVISED_VARIABLE] === '1') {
    // However the supervisor dies, its end of the pipe closes: no process is left behind.
    process.stdin.once('close', () => stopping || onSignal('SIGTERM')).resume();
  }
  try {
    await starting;
  } catch (error) {
    fatal('could not start', error);
  }
}
