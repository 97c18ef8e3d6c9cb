import { readFileSync } from 'node:fs';
import { kill, pid } from 'node:process';
import { codeOf } from './disk-errors.ts';

/**
 * `pid start boot`: names one process for ever. The start time (clock ticks since boot) tells a process from
 * a later one with the same pid, which in a container is the rule: the pid there is always 1. Where `/proc`
 * is missing, both are `0` and the pid alone has to do.
 */
export function ownIdentity(): string {
  return `${pid} ${startOf(pid)} ${bootId()}`;
}

/** True while the process of an identity runs, and when that cannot be told. */
export function isAlive(identity: string): boolean {
  const [pidText = '', start, boot] = identity.split(' ');
  const other = Number(pidText);
  if (!Number.isInteger(other) || other <= 0) return false;
  if (boot !== bootId()) return false;
  try {
    kill(other, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
  }
  return startOf(other) === start;
}

/**
 * Field 22 of `/proc/<pid>/stat`. The name in field 2 may hold blanks and brackets: count from its end.
 * A process that is dead and not yet collected by its parent (state Z, X) has no start.
 */
function startOf(process: number): string {
  const stat = readText(`/proc/${process}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? 'dead' : (fields[19] ?? '0');
}

function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id').trim() || '0';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
