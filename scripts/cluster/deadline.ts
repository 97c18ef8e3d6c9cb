const POLL_MS = 25;

/** Asks until the answer is something, or throws `what` when `ms` are over. An error counts as "not yet". */
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
    } catch (error) {
      trouble = `; last: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > endMs) throw new Error(`not within ${ms} ms: ${what}${trouble}`);
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}

/** True once the URL answers 2xx. */
export async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.arrayBuffer();
  return response.ok;
}
