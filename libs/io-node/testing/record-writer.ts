/** Appends numbered records, each synced, and tells its parent of each one that is durable, until it is killed. */
import { Buffer } from 'node:buffer';
import { FileDisk } from '../src/file-disk.ts';
import { BlockingWriter } from '../src/synced-writer.ts';
import { LogWriter } from '../src/threads/log-writer.ts';

const RECORD_BYTES = 5_000;
const [path = '', by] = process.argv.slice(2);
const writers = { pool: undefined, thread: LogWriter, caller: BlockingWriter } as const;
const Writer = writers[by as keyof typeof writers];
const disk = new FileDisk(Writer === undefined ? undefined : new Writer());
const file = await disk.open(path, 'if-missing');
for (let number = Math.floor(file.size / RECORD_BYTES); ; number++) {
  const record = Buffer.alloc(RECORD_BYTES, number & 0xff);
  record.writeUInt32LE(number);
  await file.write([record.subarray(0, 10), record.subarray(10)], number * RECORD_BYTES, true);
  process.send?.(number);
}
