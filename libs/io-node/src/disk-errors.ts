import { DiskError, type DiskErrorCode } from '@holdfast/io';

/** What the operating system says -> what the contract says. Whatever is not here is `EIO`: fatal. */
const CODES: Readonly<Record<string, DiskErrorCode>> = {
  ENOENT: 'ENOENT',
  EEXIST: 'EEXIST',
  EIO: 'EIO',
  ENOSPC: 'ENOSPC',
  EDQUOT: 'ENOSPC',
  EFBIG: 'ENOSPC',
  EACCES: 'EACCES',
  EPERM: 'EACCES',
  EROFS: 'EACCES',
  EMFILE: 'EMFILE',
  ENFILE: 'EMFILE',
  EINVAL: 'EINVAL',
  EISDIR: 'EINVAL',
  ENOTDIR: 'EINVAL',
  ENOTEMPTY: 'EINVAL',
  EXDEV: 'EINVAL',
  ENAMETOOLONG: 'EINVAL',
  ELOOP: 'EINVAL',
};

/** The `code` of an error of `node:fs` or `node:net`, or undefined. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Turns any failure of `node:fs` into the typed one of the contract; a `DiskError` stays what it is. */
export function diskError(error: unknown, operation: string, path: string): DiskError {
  if (error instanceof DiskError) return error;
  const code = codeOf(error);
  const known = code === undefined ? undefined : CODES[code];
  if (known !== undefined) return new DiskError(known, operation, path, { cause: error });
  return new DiskError('EIO', operation, path, { cause: error, detail: code ?? String(error) });
}

/** Awaits one call of `node:fs` and translates its failure. */
export async function translated<T>(operation: string, path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw diskError(error, operation, path);
  }
}
