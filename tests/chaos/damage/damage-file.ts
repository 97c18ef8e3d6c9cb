import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A byte of a file that was flipped, at rest. */
export interface Damage {
  readonly path: string;
  readonly offset: number;
  /** Puts the byte back, if the file still exists. */
  repair(): void;
}

/** Where a record of a log segment stands; see docs/formats/log.md. */
interface RecordPlace {
  readonly offset: number;
  readonly payloadBytes: number;
  readonly group: number;
}

const SEGMENT_HEADER_BYTES = 64;
const RECORD_HEAD_BYTES = 16;
const RECORD_ALIGNMENT = 8;

/**
 * Flips a byte inside a record in the middle of the newest log segment that has enough of them. A record of a later
 * group follows, so this cannot be mistaken for a torn write.
 *
 * @throws Error when no segment has enough records.
 */
export function damageLog(dataDirectory: string): Damage {
  const directory = join(dataDirectory, 'log');
  const segments = readdirSync(directory)
    .filter((name) => /^[0-9a-f]{14}\.log$/.test(name))
    .toSorted();
  for (const name of segments.toReversed()) {
    const path = join(directory, name);
    const records = recordsOf(readFileSync(path));
    const lastGroup = records.at(-1)?.group ?? 0;
    const middle = records[Math.floor(records.length / 2)];
    // The last two groups could be a write that never ended.
    if (middle === undefined || middle.payloadBytes === 0 || middle.group + 2 > lastGroup) continue;
    return flip(path, middle.offset + RECORD_HEAD_BYTES + Math.floor(middle.payloadBytes / 2));
  }
  throw new Error(`${directory} has no segment with records enough to damage one in the middle`);
}

/**
 * Flips a byte of the largest table: of a block of data, since index and filter come last and are smaller.
 *
 * @param place where, as a share of the file.
 * @throws Error when there is no table.
 */
export function damageTable(dataDirectory: string, place: number): Damage {
  const directory = join(dataDirectory, 'tree');
  const [largest] = readdirSync(directory)
    .filter((name) => /^\d+\.sst$/.test(name))
    .map((name) => ({ path: join(directory, name), bytes: statSync(join(directory, name)).size }))
    .toSorted((a, b) => b.bytes - a.bytes);
  if (largest === undefined) throw new Error(`${directory} has no table`);
  return flip(largest.path, Math.floor(largest.bytes * place));
}

/** The records from the start of a segment up to the first place that cannot be one. Checksums are not looked at. */
function recordsOf(segment: Buffer): readonly RecordPlace[] {
  const records: RecordPlace[] = [];
  let offset = SEGMENT_HEADER_BYTES;
  while (offset + RECORD_HEAD_BYTES <= segment.length) {
    const payloadBytes = segment.readUInt32LE(offset + 4);
    const group = segment.readUInt32LE(offset + 8);
    const before = records.at(-1)?.group ?? group;
    // A recycled file goes on with records of an earlier life, whose groups are older.
    const plausible = segment.readUInt32LE(offset) !== 0 && (group === before || group === before + 1);
    if (!plausible || offset + RECORD_HEAD_BYTES + payloadBytes > segment.length) break;
    records.push({ offset, payloadBytes, group });
    offset += Math.ceil((RECORD_HEAD_BYTES + payloadBytes) / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
  }
  return records;
}

function flip(path: string, offset: number): Damage {
  toggle(path, offset);
  return {
    path,
    offset,
    repair() {
      try {
        toggle(path, offset);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    },
  };
}

function toggle(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 0x10;
  // In place: a new file of this name would not be the damaged one.
  writeFileSync(path, bytes, { flag: 'r+' });
}
