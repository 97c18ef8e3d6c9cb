import { constants, getPriority, setPriority } from 'node:os';
import { platform } from 'node:process';

/**
 * Lets all threads of the usual priority go before the calling one: it gets a processor when one is idle, and about
 * a tenth of one when none is. For work that may wait. Cannot be taken back. To be called once in a thread.
 *
 * On Linux a priority belongs to a thread, and 0 names the calling one (setpriority(2), "C library/kernel
 * differences"). Elsewhere it belongs to the process, so nothing is done there.
 */
export function yieldToOtherThreads(): void {
  if (platform !== 'linux') return;
  const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
  setPriority(0, Math.min(getPriority(0) + PRIORITY_BELOW_NORMAL, PRIORITY_LOW));
}
