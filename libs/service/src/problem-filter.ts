import type { Logger } from '@holdfast/telemetry';
import type { HoldfastError } from '@holdfast/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { holdfastErrorOf } from './problem.ts';
import { replyProblem } from './problem-reply.ts';

/** What NestJS hands to an exception filter, as far as it is used here. */
interface ArgumentsHost {
  switchToHttp(): { getRequest<T>(): T; getResponse<T>(): T };
}

/**
 * An exception filter of NestJS: turns whatever was thrown, by us or by the framework, into a problem document. It
 * names no class of errors, so it catches all of them.
 */
export class ProblemFilter {
  readonly #log: Logger;
  readonly #errorOf: (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => HoldfastError;

  /** @param errorOf what the app says of a request that it has no route for, and the like. */
  constructor(
    log: Logger,
    errorOf: (
      thrown: unknown,
      request: FastifyRequest,
      reply: FastifyReply,
    ) => HoldfastError = holdfastErrorOf,
  ) {
    this.#log = log;
    this.#errorOf = errorOf;
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const error = this.#errorOf(thrown, http.getRequest<FastifyRequest>(), reply);
    if (error.code === 'HF_INTERNAL')
      this.#log.error({ err: thrown, request: reply.request.id }, 'a request failed');
    replyProblem(reply, error);
  }
}
