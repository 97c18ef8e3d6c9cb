import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareBytes,
  concatBytes,
  copyBytes,
  EMPTY_BYTES,
  equalBytes,
  prefixEnd,
  loadU16,
  loadU32,
  loadU53,
  readU53,
  retainBytes,
  storeU16,
  storeU32,
  storeU53,
  viewOf,
  writeU53,
} from './bytes.ts';

/** Few different values, so that equal prefixes are common. */
const key = fc
  .uint8Array({ maxLength: 12, max: 3 })
  .map((bytes) => bytes.map((byte) => (byte === 3 ? 255 : byte)));

describe('compareBytes', () => {
  it('orders like unsigned bytes, a prefix before its extensions', () => {
    const sorted = [[], [0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 0]].map((list) =>
      Uint8Array.from(list),
    );
    for (const [i, a] of sorted.entries()) {
      for (const [j, b] of sorted.entries()) expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(i - j));
    }
  });

  it('agrees with Buffer.compare', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });
});

describe('copyBytes', () => {
  it('owns exactly its memory', () => {
    const source = Buffer.from('a pooled buffer');
    const copy = copyBytes(source);
    expect(copy).toEqual(new Uint8Array(source));
    expect(copy.buffer.byteLength).toBe(source.length);
    source.fill(0);
    expect(copy[0]).toBe(97);
  });
});

describe('concatBytes', () => {
  it('joins parts in order', () => {
    fc.assert(
      fc.property(fc.array(key), (parts) => {
        expect(Buffer.compare(concatBytes(parts), Buffer.concat(parts))).toBe(0);
      }),
    );
    expect(concatBytes([]).length).toBe(EMPTY_BYTES.length);
  });
});

describe('prefixEnd', () => {
  it('stands behind every key with the prefix and before every later one', () => {
    fc.assert(
      fc.property(key, key, (prefix, other) => {
        const end = prefixEnd(prefix);
        const hasPrefix = equalBytes(other.subarray(0, prefix.length), prefix);
        const inRange =
          compareBytes(other, prefix) >= 0 && (end === undefined || compareBytes(other, end) < 0);
        expect(inRange).toBe(hasPrefix);
      }),
      { numRuns: 500 },
    );
  });

  it('is missing where nothing is larger', () => {
    const buffer = Buffer.from('a/');
    expect([...(prefixEnd(buffer) ?? [])]).toEqual([...Buffer.from('a0')]);
    expect(buffer.toString()).toBe('a/');
    expect(prefixEnd(EMPTY_BYTES)).toBeUndefined();
    expect(prefixEnd(Uint8Array.of(255, 255))).toBeUndefined();
    expect(prefixEnd(Uint8Array.of(1, 255))).toEqual(Uint8Array.of(2));
  });

  it('leaves the prefix as it is', () => {
    const prefix = Uint8Array.of(1, 2);
    prefixEnd(prefix);
    expect(prefix).toEqual(Uint8Array.of(1, 2));
  });
});

describe('53-bit integers', () => {
  it('survive a round trip, little-endian', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat({ max: 8 }), (value, offset) => {
        const view = new DataView(new ArrayBuffer(16));
        writeU53(view, offset, value);
        expect(readU53(view, offset)).toBe(value);
        expect(view.getBigUint64(offset, true)).toBe(BigInt(value));
      }),
    );
  });

  it('are refused from 2^53 on', () => {
    const view = new DataView(new ArrayBuffer(8));
    for (const value of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      view.setBigUint64(0, value, true);
      expect(readU53(view, 0)).toBeNaN();
    }
    view.setBigUint64(0, 2n ** 53n - 1n, true);
    expect(readU53(view, 0)).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('integers without a view', () => {
  const offsets = fc.nat({ max: 9 });

  it('writes what a DataView writes', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), offsets, (value, at) => {
        const expected = new Uint8Array(20);
        const view = viewOf(expected);
        const bytes = new Uint8Array(20);
        writeU53(view, at, value);
        storeU53(bytes, at, value);
        expect(bytes).toEqual(expected);
        view.setUint32(at, value, true);
        storeU32(bytes, at, value);
        expect(bytes).toEqual(expected);
        view.setUint16(at, value, true);
        storeU16(bytes, at, value);
        expect(bytes).toEqual(expected);
      }),
    );
  });

  it('reads what a DataView reads', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), offsets, (bytes, at) => {
        expect(loadU16(bytes, at)).toBe(viewOf(bytes).getUint16(at, true));
        expect(loadU32(bytes, at)).toBe(viewOf(bytes).getUint32(at, true));
        expect(loadU53(bytes, at)).toBe(readU53(viewOf(bytes), at));
      }),
    );
  });
});

describe('viewOf', () => {
  it('covers the bytes and nothing around them', () => {
    const memory = Uint8Array.of(9, 1, 2, 9);
    const view = viewOf(memory.subarray(1, 3));
    expect(view.byteLength).toBe(2);
    expect(view.getUint16(0)).toBe(0x0102);
  });
});

it('retainBytes copies out of memory that holds much else, and only then', () => {
  const memory = new Uint8Array(100).fill(7);
  const most = memory.subarray(0, 75);
  expect(retainBytes(most)).toBe(most);
  const less = memory.subarray(0, 74);
  const retained = retainBytes(less);
  expect(retained.buffer.byteLength).toBe(74);
  expect(retained).toEqual(less);
});
