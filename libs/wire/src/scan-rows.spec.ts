import { EMPTY_BYTES, Prng, randomInteger } from '@holdfast/io';
import { expect, it } from 'vitest';
import { KEY_BYTES_MAX } from './limits.ts';
import { ScanRowsBuilder, ScanRowsReader } from './scan-rows.ts';

const random = new Prng(7);
const noise = (length: number): Uint8Array =>
  Uint8Array.from({ length }, () => randomInteger(random, 0, 255));

it('adds a row from where it lies exactly as from its parts', () => {
  for (let round = 0; round < 500; round++) {
    const [whole, spans] = [new ScanRowsBuilder(), new ScanRowsBuilder()];
    for (let left = randomInteger(random, 1, 5); left > 0; left--) {
      const [keySkip, valueSkip] = [randomInteger(random, 0, 9), randomInteger(random, 0, 9)];
      const key = noise(randomInteger(random, 1, round % 10 === 0 ? KEY_BYTES_MAX : 64));
      const contentType = noise(randomInteger(random, 0, 255));
      const value = noise(randomInteger(random, 0, 400));
      const revision = randomInteger(random, 1, 2 ** 31) * 2 ** 20;
      const keysOnly = randomInteger(random, 0, 1) === 1;
      whole.add(key, keysOnly ? EMPTY_BYTES : value, revision, contentType);
      const keyAt = noise(randomInteger(random, 0, 9)).length;
      const valueAt = noise(randomInteger(random, 0, 9)).length;
      const row = {
        key: Uint8Array.from([...noise(keyAt + keySkip), ...key, ...noise(3)]),
        keyStart: keyAt,
        keyEnd: keyAt + keySkip + key.length,
        value: Uint8Array.from([...noise(valueAt + valueSkip), ...contentType, ...value, ...noise(3)]),
        valueStart: valueAt,
        valueEnd: valueAt + valueSkip + contentType.length + value.length,
        revision,
      };
      spans.addSpan(row, keySkip, valueSkip, contentType.length, keysOnly);
    }
    expect(spans.bytes).toEqual(whole.bytes);
    expect(spans.count).toBe(whole.count);
  }
});

it('gives copies and comparisons of the row it stands on', () => {
  const rows = new ScanRowsBuilder();
  rows.add(Uint8Array.of(97), Uint8Array.of(1), 5, Uint8Array.of(116));
  rows.add(Uint8Array.of(255), Uint8Array.of(2), 6, Uint8Array.of(116, 117));
  const bytes = rows.bytes.slice();
  const reader = new ScanRowsReader(bytes, 2);
  reader.next();
  const key = reader.keyCopy();
  expect([
    reader.keyText(),
    reader.contentTypeIs(Uint8Array.of(116)),
    reader.contentTypeIs(EMPTY_BYTES),
  ]).toEqual(['a', true, false]);
  reader.next();
  expect([reader.keyText(), reader.contentTypeIs(Uint8Array.of(116, 118))]).toEqual([undefined, false]);
  bytes.fill(0);
  expect(key).toEqual(Uint8Array.of(97));
});

it('copies keys also out of a Buffer, whose slice is a view', () => {
  const rows = new ScanRowsBuilder();
  rows.add(Uint8Array.of(97), EMPTY_BYTES, 5);
  const buffer = Buffer.from(rows.bytes);
  const reader = new ScanRowsReader(buffer, 1);
  reader.next();
  const key = reader.keyCopy();
  buffer.fill(0);
  expect([...key]).toEqual([97]);
});
