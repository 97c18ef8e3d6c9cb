/** Locks the directory of its first argument, tells its parent how that went, and stays until it is killed. */
import { DiskError } from '@holdfast/io';
import { lockDirectory } from '../src/directory-lock.ts';
import { loadLibc } from '../src/libc.ts';

const [directory = '', way] = process.argv.slice(2);
try {
  lockDirectory(directory, way === 'kernel' ? loadLibc() : null);
  process.send?.('locked');
} catch (error) {
  process.send?.(error instanceof DiskError ? error.code : String(error));
}
setInterval(() => undefined, 60_000);
