import { utf8 } from '@holdfast/io';
import { OpKind } from '@holdfast/wire';
import type { Operation } from '../src/operation.ts';

/** A put of `value of <key>` in keyspace `users`. */
export function put(key: string, more: Partial<Operation> = {}): Operation {
  return { kind: OpKind.put, keyspace: 'users', key: utf8(key), value: utf8(`value of ${key}`), ...more };
}

/** A strong get in keyspace `users`. */
export function get(key: string, more: Partial<Operation> = {}): Operation {
  return { kind: OpKind.get, keyspace: 'users', key: utf8(key), ...more };
}
