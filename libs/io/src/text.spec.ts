import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8, encodeUtf8, utf8 } from './text.ts';

describe('UTF-8', () => {
  it('round-trips every well-formed text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = encodeUtf8(text);
        expect(bytes !== undefined && decodeUtf8(bytes)).toBe(text);
      }),
    );
  });

  it('refuses lone surrogates, which would all become the same bytes', () => {
    for (const text of ['\ud800', 'a\udc00', '\ud800\ud800\udc00']) expect(encodeUtf8(text)).toBeUndefined();
    expect(encodeUtf8('\ud83d\ude00')).toEqual(Uint8Array.of(0xf0, 0x9f, 0x98, 0x80));
  });

  it('decodes any bytes exactly or not at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        const text = decodeUtf8(bytes);
        if (text !== undefined) expect(encodeUtf8(text)).toEqual(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['a cut sequence', [0xe2, 0x82]],
    ['an overlong form', [0xc0, 0x80]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a lone continuation', [0x80]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ])('refuses %s', (_, bytes) => {
    expect(decodeUtf8(Uint8Array.from(bytes))).toBeUndefined();
  });

  it('keeps a byte order mark', () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
    expect(utf8('\ufeffa')).toEqual(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61));
  });

  it('encodes short and long texts alike', () => {
    const platform = new TextEncoder();
    for (let length = 0; length < 140; length++) {
      const ascii = 'k'.repeat(length);
      expect(utf8(ascii)).toEqual(platform.encode(ascii));
      expect(encodeUtf8(`${ascii}\u00e9`)).toEqual(platform.encode(`${ascii}\u00e9`));
      expect(encodeUtf8(`${ascii}\ud800`)).toBeUndefined();
    }
  });
});
