import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { UsageError } from '../usage-error.ts';

/** How far an import has come. */
interface Checkpoint {
  readonly keyspace: string;
  /** Rows from the beginning of the file that are all written or reported. */
  readonly rows: number;
  /** Tells whether it is still the same file. */
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** Remembers in a file beside the input, `<file>.import`, where an interrupted import goes on. */
export class ImportCheckpoint {
  readonly #path: string;
  readonly #head: Omit<Checkpoint, 'rows'>;

  constructor(file: string, keyspace: string) {
    const { size, mtimeMs } = statSync(file);
    this.#path = `${file}.import`;
    this.#head = { keyspace, bytes: size, modifiedMs: mtimeMs };
  }

  /** Rows to skip. @throws UsageError when there is none, or it is of another file or keyspace. */
  read(): number {
    let kept: Checkpoint;
    try {
      kept = JSON.parse(readFileSync(this.#path, 'utf8')) as Checkpoint;
    } catch (error) {
      throw new UsageError(`nothing to resume: ${error instanceof Error ? error.message : String(error)}`);
    }
    const { keyspace, bytes, modifiedMs } = this.#head;
    if (kept.bytes !== bytes || kept.modifiedMs !== modifiedMs) {
      throw new UsageError(
        'the file has changed since the import was interrupted: begin anew, without --resume',
      );
    }
    if (kept.keyspace !== keyspace) throw new UsageError(`the interrupted import was into ${kept.keyspace}`);
    return kept.rows;
  }

  write(rows: number): void {
    writeFileSync(`${this.#path}.new`, JSON.stringify({ ...this.#head, rows } satisfies Checkpoint));
    renameSync(`${this.#path}.new`, this.#path);
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
