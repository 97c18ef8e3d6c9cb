import { compareBytes, utf8 } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorize, type Span, WHOLE_KEYSPACE } from './authorize.ts';
import {
  CLUSTER,
  FULL_GRANT,
  type GrantJson,
  grantOf,
  type Principal,
  type Role,
  ROLES,
} from './principal.ts';

function principal(...grants: readonly Partial<GrantJson>[]): Principal {
  return {
    id: 'p',
    tenant: 't',
    limits: {},
    grants: grants.map((grant) => grantOf({ role: 'read', keyspace: 'users', prefix: '', ...grant })),
  };
}
const key = (text: string): Span => ({ key: utf8(text) });
const range = (start: string, end: string): Span => ({ start: utf8(start), end: utf8(end) });

describe('authorize', () => {
  const reader = principal({ prefix: 'acme/' });
  const writer = principal({ role: 'write' }, { keyspace: 'logs', role: 'read' });
  const neighbours = principal({ prefix: 'a' }, { prefix: 'c' }, { prefix: 'b' });

  it.each<[string, Principal, Role, string, Span, string]>([
    ['a key under the prefix', reader, 'read', 'users', key('acme/1'), 'allowed'],
    ['the prefix itself', reader, 'read', 'users', key('acme/'), 'allowed'],
    ['a key of another tenant', reader, 'read', 'users', key('beta/1'), 'key_hidden'],
    ['writing there', reader, 'write', 'users', key('beta/1'), 'forbidden'],
    ['writing with the role of a reader', reader, 'write', 'users', key('acme/1'), 'forbidden'],
    ['another keyspace', reader, 'read', 'logs', key('acme/1'), 'keyspace_hidden'],
    ['writing to another keyspace', reader, 'write', 'logs', key('acme/1'), 'keyspace_hidden'],
    ['a scan of the prefix', reader, 'read', 'users', range('acme/', 'acme0'), 'allowed'],
    ['a scan that begins too early', reader, 'read', 'users', range('acme', 'acme0'), 'forbidden'],
    ['a scan that ends one key too late', reader, 'read', 'users', range('acme/', 'acme0\0'), 'forbidden'],
    ['a scan without an end', reader, 'read', 'users', range('acme/', ''), 'forbidden'],
    ['a scan of everything', reader, 'read', 'users', WHOLE_KEYSPACE, 'forbidden'],
    ['a role that includes another', writer, 'read', 'users', WHOLE_KEYSPACE, 'allowed'],
    ['the role of one keyspace in another', writer, 'write', 'logs', key('x'), 'forbidden'],
    ['administration by a writer', writer, 'admin', 'users', WHOLE_KEYSPACE, 'forbidden'],
    ['neighbouring grants together', neighbours, 'read', 'users', range('a', 'd'), 'allowed'],
    ['one key more than they have', neighbours, 'read', 'users', range('a', 'd\0'), 'forbidden'],
    ['a gap', principal({ prefix: 'a' }, { prefix: 'c' }), 'read', 'users', range('a', 'd'), 'forbidden'],
    ['no grant at all', principal(), 'read', 'users', key('x'), 'keyspace_hidden'],
    ['a pattern', principal({ keyspace: 'acme-*' }), 'read', 'acme-users', key('x'), 'allowed'],
    ['a pattern of others', principal({ keyspace: 'acme-*' }), 'read', 'beta', key('x'), 'keyspace_hidden'],
    ['the cluster', principal({ role: 'admin', keyspace: '*' }), 'admin', CLUSTER, WHOLE_KEYSPACE, 'allowed'],
    [
      'the cluster, without admin',
      principal({ keyspace: '*' }),
      'admin',
      CLUSTER,
      WHOLE_KEYSPACE,
      'forbidden',
    ],
    [
      'the cluster, by the admin of a pattern',
      principal({ role: 'admin', keyspace: 'acme-*' }),
      'admin',
      CLUSTER,
      WHOLE_KEYSPACE,
      'keyspace_hidden',
    ],
    [
      'the cluster, by an admin of a part of every keyspace',
      principal({ role: 'admin', keyspace: '*', prefix: 'x' }),
      'admin',
      CLUSTER,
      WHOLE_KEYSPACE,
      'forbidden',
    ],
  ])('%s', (_what, who, role, keyspace, span, decision) => {
    expect(authorize(who, role, keyspace, span)).toBe(decision);
  });
});

describe('authorize, over all short keys', () => {
  const letters = fc.constantFrom('a', 'b', 'c');
  const word = (minLength: number) => fc.string({ unit: letters, minLength, maxLength: 2 });
  const role = fc.constantFrom(...ROLES);
  const grants = fc.array(
    fc.record({ role, keyspace: fc.constantFrom('x', 'y', 'x*', '*'), prefix: word(0) }),
    {
      maxLength: 5,
    },
  );
  const everyKey = ['', 'a', 'b', 'c', 'd'].flatMap((one) =>
    one === ''
      ? ['a']
      : ['', 'a', 'b', 'c', 'd'].flatMap((two) => [one + two, `${one}${two}\0`, `${one}${two}z`]),
  );

  it('allows an interval exactly where each of its keys is allowed', () => {
    fc.assert(
      fc.property(grants, role, word(0), word(1), (granted, asked, start, end) => {
        const who = { id: 'p', tenant: 't', limits: {}, grants: granted.map(grantOf) };
        const [from, to] = [utf8(start), utf8(end)];
        fc.pre(compareBytes(from, to) < 0);
        const inside = everyKey.filter(
          (text) => compareBytes(utf8(text), from) >= 0 && compareBytes(utf8(text), to) < 0,
        );
        const each = inside.every((text) => authorize(who, asked, 'x', key(text)) === 'allowed');
        // The first key of the interval is one of them, so an interval is never allowed for want of keys.
        const first = start === '' || authorize(who, asked, 'x', key(start)) === 'allowed';
        const whole = authorize(who, asked, 'x', { start: from, end: to }) === 'allowed';
        if (whole) expect(each && first).toBe(true);
        if (!whole && start !== '') expect(each && first).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('never loses a right by another grant, nor gains one by a lesser role', () => {
    fc.assert(
      fc.property(grants, grants, role, word(1), (granted, more, asked, text) => {
        const decide = (list: readonly GrantJson[], as: Role) =>
          authorize({ id: 'p', tenant: 't', limits: {}, grants: list.map(grantOf) }, as, 'x', key(text));
        if (decide(granted, asked) === 'allowed') {
          expect(decide([...granted, ...more], asked)).toBe('allowed');
          expect(decide(granted, 'read')).toBe('allowed');
        }
        const readers = granted.map((grant): GrantJson => ({ ...grant, role: 'read' }));
        expect(decide(readers, 'write')).not.toBe('allowed');
      }),
    );
  });

  it('hides a keyspace in which nothing is granted, whatever is asked', () => {
    fc.assert(
      fc.property(role, word(1), (asked, text) => {
        const who = principal({ keyspace: 'other', role: 'admin' });
        expect(authorize(who, asked, 'x', key(text))).toBe('keyspace_hidden');
        expect(authorize(who, asked, 'x', WHOLE_KEYSPACE)).toBe('keyspace_hidden');
      }),
    );
  });

  it('lets the full grant do everything', () => {
    const root: Principal = { id: 'root', tenant: 'root', limits: {}, grants: [FULL_GRANT] };
    expect(authorize(root, 'admin', 'anything', WHOLE_KEYSPACE)).toBe('allowed');
    expect(authorize(root, 'admin', CLUSTER, WHOLE_KEYSPACE)).toBe('allowed');
  });
});
