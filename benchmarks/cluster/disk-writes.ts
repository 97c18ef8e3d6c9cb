import { readFileSync, statSync } from 'node:fs';

const SECTOR_BYTES = 512;

/**
 * Bytes written so far to the device that a directory lies on, journal and everybody else's included; undefined where
 * the kernel does not tell. `write_bytes` of a process would be its own only, but counts a whole folio (up to
 * megabytes) for every few bytes that are changed in it.
 */
export function deviceBytesWritten(directory: string): number | undefined {
  const { dev } = statSync(directory);
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  try {
    const fields = readFileSync(`/sys/dev/block/${major}:${minor}/stat`, 'utf8').trim().split(/\s+/);
    return Number(fields[6]) * SECTOR_BYTES;
  } catch {
    return undefined;
  }
}
