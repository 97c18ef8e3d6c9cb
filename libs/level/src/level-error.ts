import { DiskError } from '@holdfast/io';
import { ClosedError, CorruptionError } from '@holdfast/lsm';

export type LevelErrorCode =
  | 'LEVEL_ABORTED'
  | 'LEVEL_CORRUPTION'
  | 'LEVEL_DATABASE_NOT_OPEN'
  | 'LEVEL_INVALID_KEY'
  | 'LEVEL_INVALID_VALUE'
  | 'LEVEL_IO_ERROR'
  | 'LEVEL_LOCKED'
  | 'LEVEL_NOT_SUPPORTED';

/** A failure with a code that the Level ecosystem knows; what the engine said is its `cause`. */
export class LevelError extends Error {
  readonly code: LevelErrorCode;

  constructor(code: LevelErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    // The web's name for it, by which callers tell an abort from a failure.
    this.name = code === 'LEVEL_ABORTED' ? 'AbortError' : 'LevelError';
  }
}

/** The engine's failure under a code of the Level ecosystem; anything else stays what it is. */
export function levelError(error: unknown): unknown {
  if (error instanceof CorruptionError) return new LevelError('LEVEL_CORRUPTION', error.message, error);
  if (error instanceof ClosedError)
    return new LevelError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open', error);
  if (error instanceof DiskError) {
    return new LevelError(error.code === 'ELOCKED' ? 'LEVEL_LOCKED' : 'LEVEL_IO_ERROR', error.message, error);
  }
  return error;
}
