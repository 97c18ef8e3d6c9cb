import { createLogger, type Logger, type LogLevel } from '@holdfast/telemetry';
import type { z } from 'zod';
import { type Fatal, type Running, runProcess } from './run-process.ts';
import { readSettings } from './settings.ts';

/** What every app's settings have. */
interface AppSettings {
  readonly logLevel: LogLevel;
  /** Longest wait for open work when stopping, in milliseconds. */
  readonly drainMs: number;
}

/** What the end may take beyond draining (the last sync, closing files), in milliseconds. */
const CLOSE_MS_MAX = 5000;

/** An app from its environment to its end: settings, logger, then the life of {@link runProcess}. */
export async function runApp<S extends z.ZodObject & z.ZodType<AppSettings>>(
  app: string,
  schema: S,
  start: (settings: z.output<S>, log: Logger, fatal: Fatal) => Promise<Running>,
): Promise<void> {
  let settings: z.output<S>;
  try {
    settings = readSettings(schema, process.env);
  } catch (error) {
    createLogger({ app, level: 'info' }).fatal(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
  const log = createLogger({ app, level: settings.logLevel });
  await runProcess({ log, drainMs: settings.drainMs + CLOSE_MS_MAX }, (fatal) => start(settings, log, fatal));
}
