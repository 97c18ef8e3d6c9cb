import { HoldfastError } from '@holdfast/wire';
import type { FastifyReply } from 'fastify';

const KEY_METHODS = 'GET, HEAD, PUT, DELETE, POST';

/** A key does not take this method, or not with this action. */
export function methodNotAllowed(reply: FastifyReply): HoldfastError {
  reply.header('allow', KEY_METHODS);
  return new HoldfastError('HF_METHOD_NOT_ALLOWED', {
    detail: `a key takes ${KEY_METHODS}; POST with :increment behind the key`,
  });
}
