import { HoldfastError } from '@holdfast/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JSON_DEPTH_MAX, parseStrictJson, RawJson } from './strict-json.ts';

const parse = (text: string, raw?: readonly string[]) => parseStrictJson(Buffer.from(text), new Set(raw));

function refusal(bytes: string | Uint8Array): string {
  try {
    parseStrictJson(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  } catch (error) {
    if (error instanceof HoldfastError) return `${error.code} ${error.detail}`;
    throw error;
  }
  return 'none';
}

describe('parseStrictJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 2, '\t'), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        // Whole numbers beyond 2^53 are refused.
        fc.pre(!/\d{16}/.test(text));
        expect(JSON.stringify(parse(text))).toBe(
          text === undefined ? text : JSON.stringify(JSON.parse(text)),
        );
      }),
    );
  });

  it('refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...Array.from('{}[]",:\\ 01e.-+tnu\u0001')), { maxLength: 8 }),
        (chars) => {
          const text = chars.join('');
          let valid = true;
          try {
            JSON.parse(text);
          } catch {
            valid = false;
          }
          if (!valid) expect(refusal(text)).toMatch(/^HF_BAD_REQUEST/);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['a member twice', '{"a":1,"a":2}', 'at character 7'],
    ['a member twice, once escaped', '{"a":1,"\\u0061":2}', 'was there before'],
    ['a lone surrogate', '{"a":"\\ud800"}', 'lone surrogate'],
    ['a lone surrogate in a name', '{"\\udc00":1}', 'lone surrogate'],
    ['an integer beyond 2^53', '{"a":9007199254740993}', 'exactly'],
    ['an infinite number', '{"a":1e999}', 'exactly'],
    ['more behind the end', '{} {}', 'behind the end'],
    ['nothing', '', 'not a value'],
    ['a byte order mark', '\ufeff{}', 'not a value'],
  ])('refuses %s', (_, text, detail) => {
    expect(refusal(text)).toContain(detail);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(refusal(Buffer.from([0x22, 0xff, 0x22]))).toContain('UTF-8');
  });

  it('refuses a million levels without descending into them', () => {
    expect(refusal('['.repeat(1_000_000))).toContain('nested deeper');
    expect(refusal('{"a":'.repeat(1_000_000))).toContain('nested deeper');
    const deepest = '['.repeat(JSON_DEPTH_MAX) + ']'.repeat(JSON_DEPTH_MAX);
    expect(refusal(deepest)).toBe('none');
    expect(refusal(`[${deepest}]`)).toContain('nested deeper');
  });

  it('reads strings of megabytes', () => {
    const text = JSON.stringify({ a: 'x\n'.repeat(3_000_000) });
    expect(JSON.stringify(parse(text))).toBe(text);
  });

  it('takes __proto__ for a name, and changes no prototype', () => {
    const value = parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('keeps raw members as they were written', () => {
    const text = '{"value" : {"n": 12345678901234567890, "s":"\\ud800" , "value":1} , "b":2}';
    expect(parse(text, ['value'])).toEqual({
      value: new RawJson('{"n": 12345678901234567890, "s":"\\ud800" , "value":1}'),
      b: 2,
    });
    expect(() => parse('{"value":{]}', ['value'])).toThrow(HoldfastError);
  });
});
