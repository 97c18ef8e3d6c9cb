import { expect, it } from 'vitest';
import { LineOutput } from './line-output.ts';

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A pipe that takes `room` bytes, and more when it is given room. */
class Pipe {
  text = '';
  room = 0;
  attempts = 0;

  readonly write = (bytes: Uint8Array): number => {
    this.attempts++;
    if (this.room === 0) throw failure('EAGAIN');
    const taken = Math.min(this.room, bytes.length);
    this.text += Buffer.from(bytes.subarray(0, taken)).toString();
    this.room -= taken;
    return taken;
  };
}

it('writes whole lines, in as many parts as the pipe takes', () => {
  let text = '';
  const output = new LineOutput((bytes) => {
    text += Buffer.from(bytes.subarray(0, 3)).toString();
    return Math.min(3, bytes.length);
  });
  output.write('first\n');
  output.write('second\n');
  expect(text).toBe('first\nsecond\n');
});

it('drops lines that nobody reads without waiting for each, and says how many', () => {
  const pipe = new Pipe();
  const output = new LineOutput(pipe.write);
  pipe.room = 4;
  output.write('halved\n');
  for (let i = 0; i < 1000; i++) output.write('dropped\n');
  expect(pipe.attempts).toBeLessThan(1100);
  pipe.room = 10_000;
  output.write('last\n');
  const lines = pipe.text.split('\n');
  expect(lines[0]).toBe('halved');
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({
    level: 'warn',
    msg: '1000 lines dropped: nobody read them',
  });
  expect(lines.slice(2)).toEqual(['last', '']);
});

it('falls silent for ever when the reader is gone', () => {
  let attempts = 0;
  const output = new LineOutput(() => {
    attempts++;
    throw failure('EPIPE');
  });
  output.write('a\n');
  output.write('b\n');
  expect(attempts).toBe(1);
});
