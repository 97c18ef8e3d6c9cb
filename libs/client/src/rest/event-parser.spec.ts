import { utf8 } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { EVENT_BYTES_MAX, EventParser, type ServerEvent } from './event-parser.ts';

const STREAM =
  'retry: 1000\n\n:\n\nevent: put\ndata: {"key":"é🦀"}\nid: 7\n\n' +
  'data:two\ndata: lines\nid\n\nevent: nothing\n\nevent: end\rdata\r\revent: last\r\ndata: x\r\nid: 8\r\n\r\n' +
  'event: cut\ndata: off\n';
const EVENTS: readonly ServerEvent[] = [
  { type: 'put', data: '{"key":"é🦀"}', id: '7' },
  { type: 'message', data: 'two\nlines', id: '' },
  { type: 'end', data: '', id: undefined },
  { type: 'last', data: 'x', id: '8' },
];

describe('EventParser', () => {
  it('reads events wherever their bytes are cut', () => {
    const bytes = utf8(STREAM);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const parser = new EventParser();
      const events = [...parser.push(bytes.slice(0, cut)), ...parser.push(bytes.slice(cut))];
      expect(events, `cut at ${cut}`).toEqual(EVENTS);
    }
    const parser = new EventParser();
    expect([...bytes].flatMap((byte) => parser.push(Uint8Array.of(byte)))).toEqual(EVENTS);
  });

  it('refuses what is not UTF-8, and what has no end', () => {
    expect(() => new EventParser().push(Uint8Array.of(0x64, 0xff, 0x0a))).toThrow('not UTF-8');
    const piece = new Uint8Array(1024 * 1024).fill(0x61);
    const flood = (parser: EventParser, unit: Uint8Array): number => {
      for (let bytes = 0; ; bytes += unit.length) {
        if (bytes > 2 * EVENT_BYTES_MAX) return bytes;
        try {
          parser.push(unit);
        } catch {
          return bytes;
        }
      }
    };
    expect(flood(new EventParser(), piece)).toBeLessThanOrEqual(EVENT_BYTES_MAX);
    const lines = utf8(`data: ${'a'.repeat(100_000)}\n`);
    expect(flood(new EventParser(), lines)).toBeLessThanOrEqual(EVENT_BYTES_MAX);
    const comments = utf8(':\n\n'.repeat(100_000));
    const parser = new EventParser();
    for (let i = 0; i < 50; i++) expect(parser.push(comments)).toEqual([]);
  });
});
