import { readU53, viewOf, writeU53 } from '@holdfast/io';

const CONTEXT_BYTES = 8;

/**
 * The context of a configuration change: the revision of the record of the members that its leader went by. Part of the
 * log format: `u64 revision`, little-endian, or nothing.
 */
export function confChangeContext(revision: number): Uint8Array {
  const bytes = new Uint8Array(CONTEXT_BYTES);
  writeU53(viewOf(bytes), 0, revision);
  return bytes;
}

/** 0 for a change that goes by no record, such as the end of a joint configuration. */
export function readConfRevision(context: Uint8Array): number {
  return context.length === CONTEXT_BYTES ? readU53(viewOf(context), 0) : 0;
}
