/**
 * The one door to stable storage. What a power loss keeps is exactly this: bytes of a file up to its last
 * completed `sync`, and directory entries (create, rename, link, remove) up to the last completed
 * `syncDirectory` of that directory. Anything later may be there, not there, or torn.
 */
export interface Disk {
  /**
   * Opens a file for reading and writing.
   * `create`: `never` fails with `ENOENT` when it is missing, `exclusive` fails with `EEXIST` when it exists.
   */
  open(path: string, create: 'never' | 'if-missing' | 'exclusive'): Promise<DiskFile>;
  /** Names (not paths) in a directory, sorted by code unit. `ENOENT` when it is missing. */
  list(directory: string): Promise<readonly string[]>;
  /** Size in bytes, or undefined when there is no such file. */
  size(path: string): Promise<number | undefined>;
  /** Makes a directory and its missing parents; syncs the parent of each one made. */
  makeDirectory(path: string): Promise<void>;
  /** Replaces `to` if it exists, atomically. Durable after `syncDirectory` of both directories. */
  rename(from: string, to: string): Promise<void>;
  /** A second name for the same bytes (hard link). */
  link(existing: string, path: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncDirectory(directory: string): Promise<void>;
  /** Takes the one lock of a directory for this process. `ELOCKED` when another process has it. */
  lock(directory: string): Promise<DiskLock>;
}

export interface DiskLock {
  release(): Promise<void>;
}

/** A file open for reading and writing at explicit offsets. No shared file position. */
export interface DiskFile {
  readonly path: string;
  /** Current size in bytes; known without asking the disk. */
  readonly size: number;
  /** Fills `target` from `offset`; returns the bytes read, fewer only at the end of the file. */
  read(target: Uint8Array, offset: number): Promise<number>;
  /** The same without leaving the thread: about 1 us from page cache, a device access otherwise. */
  readSync(target: Uint8Array, offset: number): number;
  /**
   * Writes the chunks one behind the other from `offset`, extending the file if needed.
   * The caller leaves the chunks unchanged until the promise settles.
   * With `sync`, it also does what {@link sync} does, in the same trip to the disk's thread.
   */
  write(chunks: readonly Uint8Array[], offset: number, sync: boolean): Promise<void>;
  /** Makes bytes and size durable (`fdatasync`). A failure is final: the file must not be trusted again. */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Extends the file with zeros to at least `size` bytes, so that later writes change no metadata. */
  allocate(size: number): Promise<void>;
  /**
   * The file's bytes as memory, read-only and valid until `close`, or undefined where this world cannot.
   * Only for files that are no longer written.
   */
  map(): Uint8Array | undefined;
  close(): Promise<void>;
}

export type DiskErrorCode =
  | 'ENOENT'
  | 'EEXIST'
  | 'EIO'
  | 'ENOSPC'
  | 'EACCES'
  | 'EMFILE'
  | 'ELOCKED'
  | 'EINVAL'
  | 'ECLOSED';

/** Every failure of a {@link Disk}. `EIO` and unknown codes are fatal for what was being written (ADR 0008). */
export class DiskError extends Error {
  override readonly name = 'DiskError';

  constructor(
    code: DiskErrorCode,
    operation: string,
    path: string,
    options?: { readonly cause?: unknown; readonly detail?: string },
  ) {
    super(`${code}: ${operation} ${path}${options?.detail === undefined ? '' : ` (${options.detail})`}`, {
      cause: options?.cause,
    });
    this.code = code;
    this.operation = operation;
    this.path = path;
  }

  readonly code: DiskErrorCode;
  readonly operation: string;
  readonly path: string;
}

/** Whether there was no room for it. Of all failures the one that may be tried again. */
export function isDiskFull(error: unknown): error is DiskError {
  return error instanceof DiskError && error.code === 'ENOSPC';
}

/** Joins path parts with `/`. */
export function joinPath(...parts: readonly string[]): string {
  return parts.join('/');
}

/** The directory part of a path. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? (slash === 0 ? '/' : '.') : path.slice(0, slash);
}

/** Reads a whole file. `ENOENT` when it is missing. */
export async function readWholeFile(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, 'never');
  try {
    const bytes = new Uint8Array(file.size);
    const read = await file.read(bytes, 0);
    return read === bytes.length ? bytes : bytes.slice(0, read);
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file so that a crash leaves the old bytes or the new ones, whole: write beside it, sync,
 * rename, sync the directory.
 */
export async function replaceFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await disk.open(temporary, 'if-missing');
  try {
    await file.truncate(0);
    await file.write([bytes], 0, true);
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncDirectory(directoryOf(path));
}
