import { fdatasyncSync } from 'node:fs';
import { writeFullySync } from './positional-io.ts';

/** Performs every `write(.., sync = true)` of a `FileDisk`. */
export interface SyncedWriter {
  /**
   * Writes the chunks one behind the other and makes the file's bytes and size durable. The chunks are free
   * again when the promise settles. Fails with an error that has the system's `code`, and `syscall` `fdatasync`
   * when the write succeeded and the sync did not.
   */
  write(fd: number, chunks: readonly Uint8Array[], offset: number): Promise<void>;
}

/**
 * Writes and syncs on the thread that asks, which stands still meanwhile: for programs that serve nobody while
 * they write. Two wake-ups of sleeping threads cost as much as the disk itself (ADR 0014).
 */
export class BlockingWriter implements SyncedWriter {
  write(fd: number, chunks: readonly Uint8Array[], offset: number): Promise<void> {
    return new Promise((resolve) => {
      for (const chunk of chunks) {
        writeFullySync(fd, chunk, 0, chunk.length, offset);
        offset += chunk.length;
      }
      fdatasyncSync(fd);
      resolve();
    });
  }
}
