/** What kind of file a damaged byte was found in. */
export type DamagedFile = 'manifest' | 'table' | 'log' | 'batch';

/**
 * Bytes on disk are not what was written: a checksum, a length or an order is wrong. Nothing was changed and
 * nothing was guessed; the caller repairs from a replica or stays out.
 */
export class CorruptionError extends Error {
  override readonly name: string = 'CorruptionError';
  readonly code = 'ECORRUPT';
  readonly kind: DamagedFile;
  readonly path: string;
  /** Bytes from the start of the file to the damaged structure. */
  readonly offset: number;
  /** What is wrong there. */
  readonly detail: string;

  constructor(kind: DamagedFile, path: string, offset: number, detail: string) {
    super(`damaged ${kind} ${path} at byte ${offset}: ${detail}`);
    this.detail = detail;
    this.kind = kind;
    this.path = path;
    this.offset = offset;
  }
}

/**
 * The tree or log met a disk failure while it wrote and takes no more writes (ADR 0008). What had been read
 * stays readable; the process is expected to stop.
 */
export class BrokenError extends Error {
  override readonly name = 'BrokenError';
  readonly code = 'EBROKEN';

  constructor(what: string, cause: unknown) {
    super(
      `${what} is broken by an earlier failure: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/**
 * A compactor ended a job early, and neither the tables nor the disk are to blame: the job was cancelled, or
 * what carried it out is gone. The inputs are as they were; the same compaction may be tried again.
 */
export class CompactionAbortedError extends Error {
  override readonly name = 'CompactionAbortedError';
  readonly code = 'EABORTED';

  constructor(reason: string, cause?: unknown) {
    super(`the compaction was aborted: ${reason}`, { cause });
  }
}

/** The tree, log or snapshot was used after `close` or `release`. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError';
  readonly code = 'ECLOSED';

  constructor(what: string) {
    super(`${what} is closed`);
  }
}
