import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  openSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { type Command, Option } from 'commander';
import { EXIT } from '../cluster-error.ts';
import { connectionOptions, type ConnectionOptions, openStore } from '../connection.ts';
import type { Output } from '../output.ts';
import { Progress } from '../progress.ts';
import { lastRowOf } from '../rows/export-tail.ts';
import { ImportCheckpoint } from '../rows/import-checkpoint.ts';
import { importRows } from '../rows/import-rows.ts';
import { type Format, FORMATS, formatOf, headOf, lineOf, readEntries } from '../rows/row-format.ts';
import { UsageError, wholeNumber } from '../usage-error.ts';

interface TransferOptions extends ConnectionOptions {
  readonly keyspace: string;
  readonly format?: Format;
  readonly resume?: boolean;
}
interface ImportOptions extends TransferOptions {
  readonly rate?: number;
}
interface ExportOptions extends TransferOptions {
  readonly prefix?: string;
  readonly exact?: boolean;
}

const STANDARD_STREAM = '-';
/** How often a checkpoint is written, in milliseconds. */
const CHECKPOINT_MS = 500;
/** Rows are written to a file in pieces of this size, in characters. */
const WRITE_CHARS = 256 * 1024;
/** Refused rows that are named one by one. */
const REFUSALS_SHOWN = 20;

/** `import` and `export`. */
export function addTransferCommands(program: Command, output: Output): void {
  transfer(program.command('import'))
    .argument('<file>', 'NDJSON or CSV; - is standard input')
    .option('--rate <rows>', 'rows per second at most', wholeNumber(1, 1e7))
    .option('--resume', 'go on where the last import of this file was interrupted')
    .description('write the rows of a file; interrupted, it can go on with --resume')
    .action((file: string, options: ImportOptions) => importFile(file, options, output));

  transfer(program.command('export'))
    .argument('<file>', 'NDJSON or CSV; - is standard output')
    .option('--prefix <prefix>', 'only keys that begin with this')
    .option('--exact', 'every value as base64, so that not a byte of it changes')
    .option('--resume', 'go on behind the last row of the file')
    .description('write keys and values into a file, in order')
    .action((file: string, options: ExportOptions) => exportFile(file, options, output));
}

function transfer(command: Command): Command {
  return connectionOptions(command)
    .option('-k, --keyspace <name>', 'keyspace', 'default')
    .addOption(
      new Option('--format <format>', 'by default as the name of the file ends').choices([...FORMATS]),
    );
}

async function importFile(file: string, options: ImportOptions, output: Output): Promise<void> {
  const { keyspace, rate, resume = false, json = false } = options;
  const standard = file === STANDARD_STREAM;
  if (standard && resume) throw new UsageError('standard input cannot be resumed');
  if (!standard && !existsSync(file)) throw new UsageError(`${file}: there is no such file`);
  const checkpoint = standard ? undefined : new ImportCheckpoint(file, keyspace);
  const skip = resume ? (checkpoint?.read() ?? 0) : 0;
  const input = standard ? process.stdin : createReadStream(file);
  await using store = await openStore(options);
  using progress = new Progress(output, 'import', standard ? 0 : statSync(file).size, 'rows');
  let refused = 0;
  let savedMs = 0;
  let settled = skip;
  let interrupted = false;
  const interrupt = (): void => void (interrupted = true);
  process.once('SIGINT', interrupt);
  try {
    const written = await importRows(readEntries(options.format ?? formatOf(file), input), {
      store,
      keyspace,
      skip,
      rowsPerSecond: rate,
      stopped: () => interrupted,
      onRefused(line, { code, message }) {
        refused += 1;
        if (refused <= REFUSALS_SHOWN)
          output.note(`line ${line}: ${message.startsWith(code) ? message : `${code}: ${message}`}`);
      },
      onProgress(rows) {
        settled = rows;
        progress.update('bytesRead' in input ? Number(input.bytesRead) : 0, rows);
        const nowMs = performance.now();
        if (nowMs - savedMs < CHECKPOINT_MS) return;
        savedMs = nowMs;
        checkpoint?.write(rows);
      },
    });
    if (interrupted) throw new UsageError(`interrupted after ${settled} rows; go on with --resume`);
    checkpoint?.remove();
    if (json) output.json({ rows: settled, written, refused });
    else output.line(`${written} rows written${refused === 0 ? '' : `, ${refused} refused`}`);
    if (refused > 0) process.exitCode = EXIT.refused;
  } catch (error) {
    checkpoint?.write(settled);
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
    input.destroy();
  }
}

async function exportFile(file: string, options: ExportOptions, output: Output): Promise<void> {
  const { keyspace, prefix, exact = false, resume = false, json = false } = options;
  const standard = file === STANDARD_STREAM;
  if (standard && resume) throw new UsageError('standard output cannot be resumed');
  if (!standard && !resume && existsSync(file))
    throw new UsageError(`${file} exists; --resume goes on behind its last row`);
  const format = options.format ?? formatOf(file);
  const tail = resume && existsSync(file) ? await lastRowOf(file, format) : undefined;
  if (tail !== undefined) truncateSync(file, tail.bytes);
  const whole = { prefix: prefix === undefined ? undefined : Buffer.from(prefix) };
  const bounds = tail?.key === undefined ? whole : rest(tail.key, whole.prefix);
  await using store = await openStore(options);
  const target = standard ? undefined : openSync(file, 'a');
  using progress = new Progress(output, 'export', 0, 'rows');
  let text = tail === undefined ? headOf(format) : '';
  let rows = 0;
  const flush = (): void => {
    if (target === undefined) output.bytes(Buffer.from(text));
    else writeSync(target, text);
    text = '';
  };
  try {
    for await (const row of store.scan(keyspace, { consistency: 'strong', ...bounds })) {
      text += lineOf(format, row, exact);
      rows += 1;
      if (text.length < WRITE_CHARS) continue;
      flush();
      progress.update(0, rows);
    }
    flush();
    if (target !== undefined) fsyncSync(target);
  } finally {
    if (target !== undefined) closeSync(target);
  }
  if (standard) return;
  if (json) output.json({ rows });
  else output.line(`${rows} rows written to ${file}`);
}

/** Everything behind a key, inside a prefix. */
function rest(key: Buffer, prefix: Buffer | undefined): { readonly start: Buffer; readonly end?: Buffer } {
  const start = Buffer.concat([key, Buffer.of(0)]);
  const last = prefix?.findLastIndex((byte) => byte < 0xff) ?? -1;
  if (prefix === undefined || last < 0) return { start };
  const end = Buffer.from(prefix.subarray(0, last + 1));
  end.writeUInt8(end.readUInt8(last) + 1, last);
  return { start, end };
}
