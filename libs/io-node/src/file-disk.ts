import { close as closeFd, constants, fstat, open as openFd } from 'node:fs';
import { link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { type Disk, DiskError, type DiskFile, type DiskLock, directoryOf } from '@holdfast/io';
import { lockDirectory } from './directory-lock.ts';
import { codeOf, diskError, translated } from './disk-errors.ts';
import { FileStates } from './file-state.ts';
import { OpenFile } from './open-file.ts';
import type { SyncedWriter } from './synced-writer.ts';

const FLAGS = {
  never: constants.O_RDWR,
  'if-missing': constants.O_RDWR | constants.O_CREAT,
  exclusive: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
} as const;

/**
 * The file system of the machine. Paths are taken as they are: relative ones from the working directory.
 * A file that is written belongs to one `FileDisk`, and so to one thread, at a time.
 */
export class FileDisk implements Disk {
  readonly #states = new FileStates();
  readonly #writer: SyncedWriter | undefined;

  /**
   * @param writer performs every `write(.., sync = true)`, if given. Log records, hard states and manifest
   * edits come that way; tables are written without `sync` and synced once, which stays with libuv's pool.
   */
  constructor(writer?: SyncedWriter) {
    this.#writer = writer;
  }

  open(path: string, create: 'never' | 'if-missing' | 'exclusive'): Promise<DiskFile> {
    return new Promise((resolve, reject) => {
      openFd(path, FLAGS[create], 0o644, (error, fd) => {
        if (error !== null) return reject(diskError(error, 'open', path));
        fstat(fd, (statError, stats) => {
          if (statError === null && stats.isFile()) {
            const { state, release } = this.#states.acquire(`${stats.dev}:${stats.ino}`, stats.size);
            return resolve(new OpenFile(path, fd, state, release, this.#writer));
          }
          closeFd(fd, () =>
            reject(
              statError === null
                ? new DiskError('EINVAL', 'open', path, { detail: 'not a regular file' })
                : diskError(statError, 'open', path),
            ),
          );
        });
      });
    });
  }

  async list(directory: string): Promise<readonly string[]> {
    return (await translated('list', directory, readdir(directory))).sort();
  }

  async size(path: string): Promise<number | undefined> {
    try {
      return (await stat(path)).size;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw diskError(error, 'size', path);
    }
  }

  async makeDirectory(path: string): Promise<void> {
    try {
      await mkdir(path);
    } catch (error) {
      if (codeOf(error) === 'EEXIST' && (await isDirectory(path))) return;
      const parent = directoryOf(path);
      if (codeOf(error) !== 'ENOENT' || parent === path) throw diskError(error, 'make-directory', path);
      await this.makeDirectory(parent);
      return this.makeDirectory(path);
    }
    await this.syncDirectory(directoryOf(path));
  }

  rename(from: string, to: string): Promise<void> {
    return translated('rename', from, rename(from, to));
  }

  link(existing: string, path: string): Promise<void> {
    return translated('link', path, link(existing, path));
  }

  remove(path: string): Promise<void> {
    return translated('remove', path, unlink(path));
  }

  async syncDirectory(directory: string): Promise<void> {
    const handle = await translated(
      'sync-directory',
      directory,
      open(directory, constants.O_RDONLY | constants.O_DIRECTORY),
    );
    try {
      await translated('sync-directory', directory, handle.sync());
    } finally {
      await handle.close();
    }
  }

  async lock(directory: string): Promise<DiskLock> {
    return lockDirectory(directory);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await translated('make-directory', path, stat(path))).isDirectory();
}
