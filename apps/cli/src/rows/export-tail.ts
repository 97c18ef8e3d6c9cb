import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { type Format, headOf, readEntries } from './row-format.ts';

/** Where an export goes on. */
export interface ExportTail {
  /** Of the last complete row; undefined when there is none. */
  readonly key: Buffer | undefined;
  /** Length of the file up to the end of that row. */
  readonly bytes: number;
}

const PIECE_BYTES = 64 * 1024;

/** The last complete row of an export; what stands behind it was cut off by an interruption. @throws UsageError. */
export async function lastRowOf(path: string, format: Format): Promise<ExportTail> {
  return format === 'csv' ? lastOfCsv(path) : lastOfLines(path);
}

/** Lines end where they seem to, so the end of the file is enough. */
async function lastOfLines(path: string): Promise<ExportTail> {
  const file = openSync(path, 'r');
  try {
    const { size } = statSync(path);
    let tail = Buffer.alloc(0);
    for (let at = size; at > 0;) {
      const length = Math.min(PIECE_BYTES, at);
      at -= length;
      const piece = Buffer.alloc(length);
      readSync(file, piece, 0, length, at);
      tail = Buffer.concat([piece, tail]);
      const end = tail.lastIndexOf('\n');
      const before = end <= 0 ? -1 : tail.lastIndexOf('\n', end - 1);
      if (end < 0 || (before < 0 && at > 0)) continue;
      const line = tail.subarray(before + 1, end);
      for await (const { entry } of readEntries('ndjson', Readable.from([line])))
        return { key: entry.key, bytes: at + end + 1 };
    }
    return { key: undefined, bytes: 0 };
  } finally {
    closeSync(file);
  }
}

/** A line break may stand inside quotes, so all of it is read. */
async function lastOfCsv(path: string): Promise<ExportTail> {
  let bytes = Buffer.byteLength(headOf('csv'));
  let key: Buffer | undefined;
  const text: Buffer[] = [];
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) text.push(piece);
  const whole = Buffer.concat(text);
  const ends = endsOfRecords(whole);
  const last = ends.at(-1);
  if (last === undefined || last < bytes) return { key: undefined, bytes: 0 };
  bytes = last;
  for await (const { entry } of readEntries('csv', Readable.from([whole.subarray(0, bytes)])))
    ({ key } = entry);
  return { key, bytes };
}

/** The positions behind line breaks that are outside of quotes. */
function endsOfRecords(bytes: Buffer): number[] {
  const ends: number[] = [];
  let quoted = false;
  for (const [i, byte] of bytes.entries()) {
    if (byte === 0x22) quoted = !quoted;
    else if (byte === 0x0a && !quoted) ends.push(i + 1);
  }
  return ends;
}
