import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pureKernels } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { describeFrame } from '../testdata/describe-frame.ts';
import { SAMPLE_FRAMES } from '../testdata/sample-frames.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { PROTOCOL_VERSION_MAX, PROTOCOL_VERSION_MIN } from './version.ts';

/**
 * Golden frames: the bytes of every version that ever was, and what they mean. Every later version reads them
 * the same way. `UPDATE=1` writes those that are missing, and never touches one that is there.
 */
const testdata = join(import.meta.dirname, '../testdata');

function dump(bytes: Uint8Array): string {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const hex = Array.from(bytes.subarray(at, at + 16), (byte) => byte.toString(16).padStart(2, '0'));
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.join(' ')}`);
  }
  return lines.join('\n');
}

function parse(text: string): Uint8Array {
  const hex = text.split('\n').flatMap((line) => line.slice(8).split(' '));
  return Uint8Array.from(hex, (byte) => Number.parseInt(byte, 16));
}

function decode(bytes: Uint8Array): string {
  const frames: unknown[] = [];
  new FrameDecoder(pureKernels).push(bytes, (frame) => frames.push(describeFrame(frame)));
  return JSON.stringify(frames[0], null, 2);
}

if (process.env['UPDATE'] === '1') {
  const directory = join(testdata, `v${PROTOCOL_VERSION_MAX}`);
  mkdirSync(directory, { recursive: true });
  for (const [name, bytes] of SAMPLE_FRAMES) {
    const path = join(directory, `${name}.txt`);
    if (!existsSync(path)) writeFileSync(path, `${dump(bytes)}\n\n${decode(bytes)}\n`);
  }
}

for (let version = PROTOCOL_VERSION_MIN; version <= PROTOCOL_VERSION_MAX; version++) {
  const directory = join(testdata, `v${version}`);
  const names = readdirSync(directory).map((file) => file.replace(/\.txt$/, ''));

  describe(`golden frames of version ${version}`, () => {
    it.each(names)('%s means what it meant', (name) => {
      const [bytes, meaning] = readFileSync(join(directory, `${name}.txt`), 'utf8').split('\n\n');
      expect(`${decode(parse(bytes))}\n`).toBe(meaning);
    });

    it.runIf(version === PROTOCOL_VERSION_MAX).each([...SAMPLE_FRAMES.keys()])(
      '%s is written as it was',
      (name) => {
        const [bytes] = readFileSync(join(directory, `${name}.txt`), 'utf8').split('\n\n');
        expect(dump(SAMPLE_FRAMES.get(name)!)).toBe(bytes);
      },
    );
  });
}
