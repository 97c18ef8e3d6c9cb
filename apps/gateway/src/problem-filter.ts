import { replyProblem } from '@holdfast/service';
import type { Logger } from '@holdfast/telemetry';
import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorAtRoute } from './routing-error.ts';
import { LOG } from './tokens.ts';

/** Turns whatever was thrown, by us or by the framework, into a problem document. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #log: Logger;

  constructor(@Inject(LOG) log: Logger) {
    this.#log = log;
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const error = errorAtRoute(thrown, http.getRequest<FastifyRequest>(), reply);
    if (error.code === 'HF_INTERNAL')
      this.#log.error({ err: thrown, request: reply.request.id }, 'a request failed');
    replyProblem(reply, error);
  }
}
