import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { stringify } from 'csv-stringify/sync';
import type { Entry, Row } from '../store/store.ts';
import { UsageError } from '../usage-error.ts';
import { linesOf } from './lines-of.ts';
import { parseExactJson } from './exact-json.ts';
import { entryOf, type JsonRow, jsonRow, keyMember, textOf } from './json-row.ts';

export const FORMATS = ['ndjson', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

/** `key` and `value` are text unless `encoding` says `base64`; without a content type, values are plain text. */
const CSV_COLUMNS = ['key', 'value', 'content_type', 'encoding'] as const;
type CsvRow = Readonly<Partial<Record<(typeof CSV_COLUMNS)[number], string>>>;
const CSV_RECORD_CHARS_MAX = 4 * 1024 * 1024;

/** By the end of the name; NDJSON where it says nothing. */
export function formatOf(path: string): Format {
  return path.endsWith('.csv') ? 'csv' : 'ndjson';
}

/** What stands in front of the rows. */
export function headOf(format: Format): string {
  return format === 'csv' ? `${CSV_COLUMNS.join(',')}\n` : '';
}

/** A row as text, with the end of its line. @param exact values as base64, whatever they are. */
export function lineOf(format: Format, row: Row, exact: boolean): string {
  if (format === 'ndjson') return `${JSON.stringify(jsonRow(row, exact))}\n`;
  const key = textOf(row.key);
  const value = exact ? undefined : textOf(row.bytes);
  const cells =
    key === undefined || value === undefined
      ? [row.key.toString('base64'), row.bytes.toString('base64'), row.contentType, 'base64']
      : [key, value, row.contentType, ''];
  return stringify([cells]);
}

/** The rows of a stream, each with its place in the input. @throws UsageError that names the place. */
export async function* readEntries(
  format: Format,
  input: Readable,
): AsyncGenerator<{ readonly entry: Entry; readonly line: number }> {
  if (format === 'csv') yield* readCsv(input);
  else yield* readLines(input);
}

async function* readLines(input: Readable) {
  let line = 0;
  for await (const text of linesOf(input)) {
    line += 1;
    if (text.trim() === '') continue;
    let row: unknown;
    try {
      row = parseExactJson(text);
    } catch {
      throw notUnderstood(line);
    }
    const entry = typeof row === 'object' && row !== null ? entryOf(row as JsonRow) : undefined;
    if (entry === undefined) throw notUnderstood(line);
    yield { entry, line };
  }
}

async function* readCsv(input: Readable) {
  const parser = input.pipe(
    parse({
      columns: true,
      bom: true,
      skip_empty_lines: true,
      max_record_size: CSV_RECORD_CHARS_MAX,
      info: true,
    }),
  );
  input.once('error', (error) => parser.destroy(error));
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      readonly record: CsvRow;
      readonly info: { readonly lines: number };
    }>) {
      const entry = entryOfCsv(record);
      if (entry === undefined) throw notUnderstood(info.lines);
      yield { entry, line: info.lines };
    }
  } catch (error) {
    throw error instanceof UsageError
      ? error
      : new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function entryOfCsv({ key, value, content_type: type = '', encoding = '' }: CsvRow): Entry | undefined {
  if (key === undefined || value === undefined || !['', 'base64'].includes(encoding)) return undefined;
  if (encoding === '')
    return {
      key: Buffer.from(key),
      bytes: Buffer.from(value),
      contentType: type || 'text/plain; charset=utf-8',
    };
  const bytes = Buffer.from(key, 'base64');
  const decoded = entryOf({ ...keyMember(bytes), base64: value, content_type: type });
  return bytes.toString('base64') === key ? decoded : undefined;
}

function notUnderstood(line: number): UsageError {
  return new UsageError(`line ${line} is no row: a key, and one of value, text and base64`);
}
