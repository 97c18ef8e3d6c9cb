import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { DiskError, type DiskLock, joinPath } from '@holdfast/io';
import { codeOf, diskError } from './disk-errors.ts';
import { loadLibc, type Libc } from './libc.ts';
import { isAlive, ownIdentity } from './process-identity.ts';

/** The file in a directory that carries its lock. `Disk.list` shows it like any other. */
export const LOCK_FILE_NAME = 'LOCK';

const LOCK_EX_NB = 2 | 4;

/** Directories locked by this thread; a second lock is refused before the file is touched. */
const held = new Set<string>();

/**
 * Takes the lock of a directory for this process.
 *
 * With `node:ffi` it is the kernel's `flock` on `LOCK`: gone with the process, however it ends. Without, it is
 * the existence of `LOCK` with the identity (pid, start time, boot) of a living process inside. Both write the
 * identity and both respect a living one, so that a process with and one without `node:ffi` exclude each other.
 *
 * @param libc `null` forces the way without `node:ffi`.
 * @throws DiskError `ELOCKED`, with the pid of the holder.
 */
export function lockDirectory(directory: string, libc: Libc | null | undefined = loadLibc()): DiskLock {
  let key: string;
  try {
    key = realpathSync(directory);
  } catch (error) {
    throw diskError(error, 'lock', directory);
  }
  if (held.has(key)) throw new DiskError('ELOCKED', 'lock', directory, { detail: 'by this process' });
  const path = joinPath(key, LOCK_FILE_NAME);
  let unlock: () => void;
  try {
    unlock =
      libc === null || libc === undefined ? lockByFile(path, directory) : lockByKernel(path, directory, libc);
  } catch (error) {
    throw diskError(error, 'lock', directory);
  }
  held.add(key);
  let released = false;
  return {
    release(): Promise<void> {
      if (!released) {
        released = true;
        held.delete(key);
        unlock();
      }
      return Promise.resolve();
    },
  };
}

function lockByKernel(path: string, directory: string, libc: Libc): () => void {
  const fd = openSync(path, 'a+');
  try {
    if (libc.flock(fd, LOCK_EX_NB) !== 0) throw refused(directory, readHolder(path));
    // No process with `node:ffi` has it. One without could, or could have moved this file away just now.
    const holder = readHolder(path);
    if (holder.endsWith(' file') && isAlive(holder)) throw refused(directory, holder);
    if (statSync(path, { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino)
      throw refused(directory, holder);
    ftruncateSync(fd, 0);
    writeSync(fd, `${ownIdentity()} kernel`);
    fsyncSync(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  // The file stays: removing it would let two processes lock two files of the same name.
  return () => {
    ftruncateSync(fd, 0);
    closeSync(fd);
  };
}

function lockByFile(path: string, directory: string): () => void {
  const identity = `${ownIdentity()} file`;
  const own = `${path}.${randomBytes(8).toString('hex')}`;
  writeFileSync(own, identity, { flag: 'wx', flush: true });
  try {
    // `link` refuses an existing name, atomically, and the name appears with its content.
    if (!tryLink(own, path)) {
      const holder = readHolder(path);
      if (isAlive(holder)) throw refused(directory, holder);
      removeStale(path, `${own}.stale`, holder, directory);
      if (!tryLink(own, path)) throw refused(directory, readHolder(path));
    }
  } finally {
    unlinkSync(own);
  }
  return () => {
    if (readHolder(path) === identity) unlinkSync(path);
  };
}

/** Moves the lock of a dead process away; whoever took over meanwhile gets it back. */
function removeStale(path: string, aside: string, holder: string, directory: string): void {
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return; // Somebody else was faster; `link` decides.
    throw error;
  }
  const moved = readHolder(aside);
  if (moved !== holder) {
    tryLink(aside, path);
    unlinkSync(aside);
    throw refused(directory, moved);
  }
  unlinkSync(aside);
}

function tryLink(existing: string, path: string): boolean {
  try {
    linkSync(existing, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
}

function refused(directory: string, holder: string): DiskError {
  const pid = holder.split(' ')[0];
  return new DiskError('ELOCKED', 'lock', directory, {
    detail: pid ? `by process ${pid}` : 'by another process',
  });
}
