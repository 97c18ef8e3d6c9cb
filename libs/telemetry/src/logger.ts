import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import { LineOutput } from './line-output.ts';

export type Logger = PinoLogger;
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Which process speaks: `gateway`, `data-node`, `admin`. */
  readonly app: string;
  readonly level: LogLevel;
  /** Default: standard output, as {@link LineOutput} does it. */
  readonly destination?: DestinationStream;
}

/** Structured logs: one JSON object a line, with `time` in ISO 8601 and `level` as a word. */
export function createLogger({ app, level, destination = new LineOutput() }: LoggerOptions): Logger {
  const options = {
    level,
    base: { app },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, destination);
}
