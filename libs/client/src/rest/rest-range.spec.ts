import { type Revision, utf8 } from '@holdfast/io';
import { type HoldfastError, OpKind } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import type { Operation, OpResult } from '../operation.ts';
import { fromBase64 } from './base64-url.ts';
import { jsonEnd } from './json-end.ts';
import { readRestAnswer } from './rest-answer.ts';
import { restRequest } from './rest-request.ts';

const scan: Operation = {
  kind: OpKind.scan,
  keyspace: 'users',
  key: utf8('a'),
  endKey: utf8('c'),
  limit: 5000,
};
const remove: Operation = { ...scan, kind: OpKind.deleteRange, limit: 1000 };
const answered = (operation: Operation, body: string): OpResult | HoldfastError =>
  readRestAnswer(operation, { kind: 'answer', status: 200, header: () => undefined, body: utf8(body) });
const target = (operation: Operation): string => restRequest(operation, 1000, '').target;

describe('the request for an interval', () => {
  it('names its bounds, and never more rows than a page has', () => {
    expect(target(scan)).toBe('/v1/keyspaces/users/keys?key_encoding=base64url&start=YQ&end=Yw&limit=1000');
    expect(
      target({ ...scan, key: utf8(''), endKey: utf8(''), reverse: true, keysOnly: true, limit: 2 }),
    ).toBe('/v1/keyspaces/users/keys?key_encoding=base64url&limit=2&reverse&keys_only');
  });

  it('asks by name for the removal of everything', () => {
    expect(target({ ...remove, key: utf8(''), endKey: utf8('') })).toContain('prefix=&limit=1000');
    expect(restRequest(remove, 1000, '').method).toBe('DELETE');
  });
});

describe('the answer to it', () => {
  it.each([
    '',
    '[]',
    '{"rows":[',
    '{"rows":[{"key":"a"}]}',
    '{"rows":[{"key_base64url":"YQ","revision":1}',
    '{"rows":[] }',
    'null',
  ])('is refused when no gateway gives it: %s', (body) => {
    expect(answered(scan, body)).toMatchObject({ code: 'HF_PROTOCOL', outcome: 'not_applied' });
  });

  it.each(['', 'null', '{}', '{"deleted":"7"}', '<html>'])(
    'leaves open what became of a removal: %s',
    (body) => {
      expect(answered(remove, body)).toMatchObject({ code: 'HF_PROTOCOL', outcome: 'unknown' });
    },
  );

  it('goes on behind its last row, or in front of it, when there is more', () => {
    const row = '{"key_base64url":"YmI","revision":7,"content_type":"application/json","value":{"a":"}],"}}';
    const body = (tail: string): string => `{"rows":[${row}],"count":1,"revision":9${tail}}`;
    const page = answered(scan, body(',"cursor":"x"')) as OpResult;
    expect(page.resumeKey).toEqual(utf8('bb\0'));
    expect((answered(scan, body('')) as OpResult).resumeKey).toBeUndefined();
    expect((answered({ ...scan, reverse: true }, body(',"cursor":"x"')) as OpResult).resumeKey).toEqual(
      utf8('bb'),
    );
    const rows = page.rows();
    rows.next();
    expect([rows.key, rows.value, rows.revision]).toEqual([utf8('bb'), utf8('{"a":"}],"}'), 7 as Revision]);
  });

  it('says that a count was cut', () => {
    const count: Operation = { ...scan, countOnly: true };
    expect((answered(count, '{"count":3}') as OpResult).count).toBe(3);
    expect(answered(count, '{"count":1000000,"cursor":"x"}')).toMatchObject({ code: 'HF_UNSUPPORTED' });
  });
});

it.each(['1', '-1.5e9', 'true', 'null', '""', '"a\\"b"', '[]', '[1,[2,{"a":"]"}]]', '{"}":"\\\\"}'])(
  'JSON ends where it ends: %s',
  (json) => {
    for (const behind of ['}', ',"x":1', ']']) expect(jsonEnd(`xx${json}${behind}`, 2)).toBe(2 + json.length);
    expect(jsonEnd(json, 0)).toBe(json.length);
  },
);

it('base64 of both alphabets, padded or not, is read', () => {
  for (const [text, bytes] of [
    ['', []],
    ['-_8', [251, 255]],
    ['+/8=', [251, 255]],
    ['AAEC', [0, 1, 2]],
    ['AA==', [0]],
  ] as const) {
    expect([...fromBase64(text)]).toEqual(bytes);
  }
});
