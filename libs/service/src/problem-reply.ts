import type { HoldfastError } from '@holdfast/wire';
import type { FastifyReply } from 'fastify';
import { PROBLEM_CONTENT_TYPE, problemOf, retryAfterSeconds } from './problem.ts';

/** Answers with the problem document of `error`; nothing when an answer is on its way already. */
export function replyProblem(reply: FastifyReply, error: HoldfastError): void {
  if (reply.sent) return;
  const retryAfter = retryAfterSeconds(error);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  const problem = problemOf(error, reply.request.id);
  // As bytes: the framework would add a charset to the media type of a text.
  void reply
    .code(problem.status)
    .header('content-type', PROBLEM_CONTENT_TYPE)
    .header('cache-control', 'no-store')
    .send(Buffer.from(JSON.stringify(problem)));
}
