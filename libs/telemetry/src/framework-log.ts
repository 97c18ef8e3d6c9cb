import type { Logger } from './logger.ts';

/**
 * Takes what the framework logs about itself (it fits NestJS' `LoggerService`). Its "log" is what happens at every
 * start, so it goes to `debug`; trouble keeps its level.
 */
export class FrameworkLog {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.#logger.debug(fieldsOf(rest), textOf(message));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.#logger.debug(fieldsOf(rest), textOf(message));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.#logger.trace(fieldsOf(rest), textOf(message));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.#logger.warn(fieldsOf(rest), textOf(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.#logger.error(fieldsOf(rest), textOf(message));
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.#logger.fatal(fieldsOf(rest), textOf(message));
  }
}

/** The framework's last argument names who speaks, the one before may be a stack. */
function fieldsOf(rest: readonly unknown[]): { context?: unknown; stack?: unknown } {
  if (rest.length === 0) return {};
  const context = rest.at(-1);
  return rest.length === 1 ? { context } : { context, stack: rest[0] };
}

function textOf(message: unknown): string {
  return message instanceof Error ? message.message : String(message);
}
