import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactJson } from './exact-json.ts';
import { entryOf, type JsonRow, jsonRow } from './json-row.ts';
import { type Format, FORMATS, headOf, lineOf, readEntries } from './row-format.ts';

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(text)),
);
const row = fc.record({
  key: fc
    .oneof(
      fc.uint8Array({ minLength: 1, maxLength: 20 }).map((array) => Buffer.from(array)),
      bytes,
    )
    .filter((key) => key.length > 0),
  bytes,
  contentType: fc.constantFrom(
    'application/json',
    'text/plain',
    'text/csv; charset=utf-8',
    'image/png',
    'text/x; charset=latin1',
  ),
  revision: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
});

/** JSON may lose white space and repeated members; it means the same. */
function sameValue(a: Buffer, b: Buffer, contentType: string): boolean {
  if (a.equals(b)) return true;
  if (!contentType.includes('json')) return false;
  return JSON.stringify(parseExactJson(a.toString())) === JSON.stringify(parseExactJson(b.toString()));
}

async function through(format: Format, text: string) {
  const entries = [];
  for await (const { entry } of readEntries(format, Readable.from([Buffer.from(text)]))) entries.push(entry);
  return entries;
}

describe('a row', () => {
  it('comes back from JSON as it was', () => {
    fc.assert(
      fc.property(row, fc.boolean(), (one, exact) => {
        const back = entryOf(parseExactJson(JSON.stringify(jsonRow(one, exact))) as JsonRow);
        expect(back?.key.equals(one.key)).toBe(true);
        expect(back?.contentType).toBe(one.contentType);
        expect(back !== undefined && sameValue(back.bytes, one.bytes, exact ? '' : one.contentType)).toBe(
          true,
        );
      }),
    );
  });

  it.each(FORMATS)('comes back from %s as it was', async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 5 }), fc.boolean(), async (rows, exact) => {
        const text = headOf(format) + rows.map((one) => lineOf(format, one, exact)).join('');
        const back = await through(format, text);
        expect(back).toHaveLength(rows.length);
        for (const [i, one] of rows.entries()) {
          expect(back[i]?.key.equals(one.key)).toBe(true);
          expect(back[i]?.contentType).toBe(one.contentType);
          expect(
            back[i] !== undefined &&
              sameValue(back[i].bytes, one.bytes, format === 'csv' || exact ? '' : one.contentType),
          ).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    '{}',
    '{"key":"a"}',
    '{"key":"a","text":"x","base64":""}',
    '{"key":"a","key_base64url":"YQ","text":"x"}',
    '{"key":"a","base64":"%"}',
    '{"key":1,"text":"x"}',
    'null',
    '7',
    '{',
  ])('is not %s', async (text) => {
    await expect(through('ndjson', `{"key":"a","text":"x"}\n${text}\n`)).rejects.toThrow('line 2 is no row');
  });

  it('keeps digits that a double cannot hold', () => {
    const text = '{"key":"a","value":[12345678901234567890,1.10,1e400,-0]}';
    expect(entryOf(parseExactJson(text) as JsonRow)?.bytes.toString()).toBe(
      '[12345678901234567890,1.10,1e400,-0]',
    );
  });
});
