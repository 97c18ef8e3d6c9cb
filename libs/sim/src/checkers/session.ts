import type { Operation } from './history.ts';

/** Every key has one writer, whose writes are numbered from 1: what a key holds tells which write it was. */
export type SessionCall =
  | { readonly kind: 'write'; readonly number: number }
  /** A weaker read, with the newest revision that its session has met as its floor. */
  | { readonly kind: 'read' };

export interface SessionResult {
  /** 0 when the key is absent. */
  readonly number: number;
  readonly revision: number;
}

type Recorded = Operation<SessionCall, SessionResult>;

/**
 * Guarantees of sessions that read from any replica above their revision floor (Terry et al. 1994): a session, one
 * process, reads its own writes and never goes back; a write has one revision, above all that its session had met of
 * the key; and no read shows what was never written, or failed for certain.
 */
export function sessionProblems(operations: readonly Recorded[]): readonly string[] {
  const problems: string[] = [];
  const writes = new Map<string, Recorded>();
  for (const operation of operations)
    if (operation.call.kind === 'write') writes.set(nameOf(operation.key, operation.call.number), operation);
  /** Revision of each write, and write of each revision. */
  const revisionOf = new Map<string, number>();
  const writeOf = new Map<number, string>();
  const met = new Map<string, SessionResult>();
  // The operations of a session follow one another, so the order of invocations is the order of the session.
  for (const operation of operations) {
    const { process, key, call, result, completed } = operation;
    if (result === undefined) continue;
    const text = JSON.stringify(operation);
    const name = nameOf(key, result.number);
    if (result.number > 0) {
      const write = writes.get(name);
      if (write === undefined || write.invoked > completed) problems.push(`${text} shows what nobody wrote`);
      else if (write.outcome === 'fail') problems.push(`${text} shows a write that failed`);
      const known = revisionOf.get(name);
      if (known !== undefined && known !== result.revision)
        problems.push(`${text}: ${name} has revision ${known} too`);
      revisionOf.set(name, result.revision);
      const other = writeOf.get(result.revision);
      if (other !== undefined && other !== name && other.startsWith(`${key}#`))
        problems.push(`${text}: ${other} has this revision too`);
      writeOf.set(result.revision, name);
    }
    const session = `${process}/${key}`;
    const before = met.get(session);
    // Not by number: a write of unknown outcome may take effect behind those that followed it.
    const isOlder = result.revision < (before?.revision ?? 0);
    if (isOlder || (call.kind === 'write' && result.revision === before?.revision)) {
      const what = call.kind === 'read' ? 'a session went back' : 'a write is older than what was seen';
      problems.push(`${what}: ${text} after ${JSON.stringify(before)}`);
    }
    met.set(session, result);
  }
  return problems;
}

function nameOf(key: string, number: number): string {
  return `${key}#${number}`;
}
