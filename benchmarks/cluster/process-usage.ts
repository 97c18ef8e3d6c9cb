import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

/** Clock ticks of the kernel's process times; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds, user and system, of all threads of a process since it began; 0 where there is no `/proc`. */
export function cpuSeconds(pid: number): number {
  const stat = readProc(pid, 'stat');
  // The name stands in parentheses and may hold anything; what follows is numbers: utime and stime are 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Runnable processes, averaged over the last minute. */
export function loadAverage(): number {
  return loadavg()[0] ?? 0;
}
