import { utf8 } from '@holdfast/io';
import { Condition, OpKind } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { Accounts } from './accounts.ts';
import { Caller } from './caller.ts';
import { grantOf } from './principal.ts';

const caller = new Caller({
  id: 'p',
  tenant: 't',
  limits: {},
  grants: [
    grantOf({ role: 'write', keyspace: 'users', prefix: 'acme/' }),
    grantOf({ role: 'read', keyspace: 'users', prefix: 'shared/' }),
  ],
});
const [mine, shared, foreign] = ['acme/1', 'shared/1', 'beta/1'].map(utf8);

describe('a transaction', () => {
  const check = (key: Uint8Array) => ({ key, condition: Condition.exists });
  const transact = (checked: Uint8Array, then: Uint8Array, otherwise: Uint8Array): unknown =>
    caller.permit({
      kind: OpKind.transaction,
      keyspace: 'users',
      key: mine,
      transaction: {
        checks: [check(mine), check(checked)],
        success: [
          { kind: OpKind.put, key: mine },
          { kind: OpKind.put, key: then },
        ],
        failure: [{ kind: OpKind.delete, key: otherwise }],
      },
    });

  it('is granted when each of its parts is', () => {
    expect(() => transact(shared, mine, mine)).not.toThrow();
  });

  it.each([
    ['a check of a key of others', foreign, mine, mine],
    ['a write to them', mine, foreign, mine],
    ['a write to what may be read alone', mine, shared, mine],
    ['a write that may never happen', mine, mine, foreign],
  ])('is refused for %s', (_what, checked, then, otherwise) => {
    expect(() => transact(checked, then, otherwise)).toThrow(/HF_(FORBIDDEN|KEY_NOT_FOUND)/);
  });
});

it('a watch is counted when it is granted, and as nothing else', () => {
  const accounts = new Accounts({ wallMs: () => 0, monotonicMs: () => 0 });
  caller.countIn(accounts);
  const [start, end] = ['acme/', 'acme0'].map(utf8);
  caller.permitWatch('users', start, end);
  expect(() => caller.permitWatch('users', start, foreign)).toThrow('HF_FORBIDDEN');
  expect(accounts.usageOf('t').counts()).toMatchObject({ watches: 1, scans: 0 });
});
