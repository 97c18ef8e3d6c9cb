import { holdfastErrorOf } from '@holdfast/service';
import { HoldfastError } from '@holdfast/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { methodNotAllowed } from './method-not-allowed.ts';
import { allowedMethods } from './openapi/allowed-methods.ts';

const KEY_PATH = /^\/v1\/keyspaces\/[^/?#]+\/keys\//;

/**
 * What the framework refuses, said in terms of the API: a method that a path does not take is not a path that does not
 * exist, and at the address of a key, a path that cannot be decoded is a key that is not valid.
 */
export function errorAtRoute(thrown: unknown, request: FastifyRequest, reply: FastifyReply): HoldfastError {
  const error = holdfastErrorOf(thrown);
  if (error === thrown) return error;
  const target = request.raw.url ?? '';
  if (KEY_PATH.test(target)) {
    if (error.code === 'HF_NOT_FOUND') return methodNotAllowed(reply);
    const undecodable = thrown instanceof Error && 'code' in thrown && thrown.code === 'FST_ERR_BAD_URL';
    if (undecodable) return new HoldfastError('HF_KEY_INVALID', { cause: thrown });
  }
  const methods = allowedMethods(target);
  if (methods.length === 0 || methods.includes(request.method)) return error;
  reply.header('allow', methods.join(', '));
  return new HoldfastError('HF_METHOD_NOT_ALLOWED', { detail: `this path takes ${methods.join(', ')}` });
}
