import { utf8 } from '@holdfast/io';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RawJson } from '../strict-json.ts';
import { storedOf, valueMembers } from './json-value.ts';

const shown = (bytes: Uint8Array, type: string): unknown =>
  JSON.parse(`{${valueMembers(bytes, utf8(type))}}`) as unknown;

it('shows JSON as JSON, text as text, and the rest as base64', () => {
  expect(shown(utf8('{"a":[1]}'), 'application/json')).toEqual({
    content_type: 'application/json',
    value: { a: [1] },
  });
  expect(shown(utf8('1'), 'application/problem+json; x=y')).toMatchObject({ value: 1 });
  expect(shown(utf8('héllo\n'), 'text/plain; charset=utf-8')).toMatchObject({ text: 'héllo\n' });
  expect(shown(new Uint8Array([255, 0]), 'text/plain')).toMatchObject({ base64: '/wA=' });
  expect(shown(utf8('{"a":'), 'application/json')).toMatchObject({ base64: 'eyJhIjo=' });
  expect(shown(utf8('x'), '')).toEqual({ base64: 'eA==' });
  expect(shown(utf8('x'), 'text/plain; charset=latin1')).toMatchObject({ base64: 'eA==' });
});

it('changes no digit, and stays on one line', () => {
  const text = '{\r\n "n": 12345678901234567890.10 }\n';
  const members = valueMembers(utf8(text), utf8('application/json'));
  expect(members).toContain('12345678901234567890.10');
  expect(members).not.toMatch(/[\r\n]/);
});

it('stores what it is given, in one form', () => {
  expect(storedOf({ value: new RawJson('{"a": 1.0}') })).toEqual({
    value: utf8('{"a": 1.0}'),
    contentType: utf8('application/json'),
  });
  expect(storedOf({ base64: 'AAE=', content_type: 'image/x' })).toEqual({
    value: Buffer.from([0, 1]),
    contentType: utf8('image/x'),
  });
  expect(() => storedOf({})).toThrow('HF_BAD_REQUEST');
  expect(() => storedOf({ text: 'a', base64: 'AAE=' })).toThrow('HF_BAD_REQUEST');
  expect(() => storedOf({ text: 'x'.repeat(1024 * 1024 + 1) })).toThrow('HF_VALUE_TOO_LARGE');
});

it('gives back every text and every byte', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.uint8Array(), (text, bytes) => {
      const stored = storedOf({ text });
      const type = Buffer.from(stored.contentType).toString();
      expect(shown(stored.value, type)).toMatchObject({ text });
      expect(shown(bytes, 'image/png')).toMatchObject({ base64: Buffer.from(bytes).toString('base64') });
    }),
  );
});
