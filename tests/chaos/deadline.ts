const POLL_MS = 25;

/** Something did not happen in the time it had. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** It will never happen: there is no point in waiting for it. */
export class HopelessError extends Error {
  override readonly name = 'HopelessError';
}

/**
 * Asks until the answer is something other than undefined or false. An error of `ask` counts as "not yet".
 *
 * @throws DeadlineError with the last trouble when `ms` are over; a HopelessError of `ask`, at once.
 */
export async function until<T>(
  what: string,
  ms: number,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const endMs = performance.now() + ms;
  let trouble = '';
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      trouble = '';
    } catch (error) {
      if (error instanceof HopelessError) throw error;
      trouble = `; last: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > endMs) throw new DeadlineError(`not within ${ms} ms: ${what}${trouble}`);
    await pause(POLL_MS);
  }
}

/** The passing of time itself: for think times and schedules, never to wait for something to happen. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, ms));
  });
}
