import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';

export type Logger = PinoLogger;
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Which process speaks: `gateway`, `data-node`, `admin`. */
  readonly app: string;
  readonly level: LogLevel;
  /** Default: standard output, written before the call returns, so that a dying process has said why. */
  readonly destination?: DestinationStream;
}

/** Structured logs: one JSON object a line, with `time` in ISO 8601 and `level` as a word. */
export function createLogger({ app, level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { app },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
