import { expect, it } from 'vitest';
import { allowedMethods } from './allowed-methods.ts';

it.each([
  ['/healthz', ['GET']],
  ['/v1/keyspaces', ['POST', 'GET']],
  ['/v1/keyspaces/a/keys?prefix=x', ['GET', 'DELETE']],
  ['/v1/keyspaces/a/keys/b/c', ['GET', 'HEAD', 'PUT', 'DELETE']],
  ['/v1/keyspaces/a/keys/n:increment', ['GET', 'HEAD', 'PUT', 'DELETE', 'POST']],
  ['/v1/operations/a/b', ['GET']],
  ['/v1/api-keys/a/b', []],
  ['/openapiXjson', []],
  ['/', []],
])('%s takes %s', (target, methods) => {
  expect([...allowedMethods(target)].sort()).toEqual([...methods].sort());
});
