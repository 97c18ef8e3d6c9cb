import { holdfastErrorOf } from '@holdfast/service';
import { HoldfastError } from '@holdfast/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';

const KEY_PATH = /^\/v1\/keyspaces\/[^/?#]+\/keys\//;
const KEY_METHODS = 'GET, HEAD, PUT, DELETE, POST';

/**
 * What the framework refuses at the address of a key, said in terms of keys: a path that cannot be decoded is a key
 * that is not valid, and a route that does not exist is a method that is not allowed.
 */
export function errorAtRoute(thrown: unknown, request: FastifyRequest, reply: FastifyReply): HoldfastError {
  const error = holdfastErrorOf(thrown);
  if (error === thrown || !KEY_PATH.test(request.raw.url ?? '')) return error;
  if (error.code === 'HF_NOT_FOUND') return methodNotAllowed(reply);
  const undecodable = thrown instanceof Error && 'code' in thrown && thrown.code === 'FST_ERR_BAD_URL';
  return undecodable ? new HoldfastError('HF_KEY_INVALID', { cause: thrown }) : error;
}

/** A key does not take this method, or not with this action. */
export function methodNotAllowed(reply: FastifyReply): HoldfastError {
  reply.header('allow', KEY_METHODS);
  return new HoldfastError('HF_METHOD_NOT_ALLOWED', {
    detail: `a key takes ${KEY_METHODS}; POST with :increment behind the key`,
  });
}
