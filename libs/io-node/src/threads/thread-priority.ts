import { constants, getPriority, setPriority } from 'node:os';
import { platform } from 'node:process';

/**
 * Lets threads of the usual priority go before the calling one, for work that may wait. When no processor is idle,
 * a thread that is nicer by 5 gets a quarter of one beside a busy thread, by 10 a tenth. Cannot be taken back; to be
 * called once in a thread.
 *
 * On Linux a priority belongs to a thread, and 0 names the calling one (setpriority(2), "C library/kernel
 * differences"). Elsewhere it belongs to the process, so nothing is done there.
 *
 * @param by nice levels, 1 .. 19
 */
export function yieldToOtherThreads(by: number): void {
  if (platform !== 'linux') return;
  setPriority(0, Math.min(getPriority(0) + by, constants.priority.PRIORITY_LOW));
}
