import type { Driver } from './driver.ts';
import type { Keys } from './keys.ts';
import type { ProbeResult } from './protocol.ts';

/** Keys that are probed: spread over the ranges, so that some belong to whatever leader is killed. */
const PROBED_KEYS = 16;

/**
 * Puts at a fixed pace, whether earlier ones are answered or not, so that a pause of the system shows as it is and
 * not as the patience of a client that waits.
 */
export async function probe(
  driver: Driver,
  keys: Keys,
  everyMs: number,
  seconds: number,
  measuring: () => void,
): Promise<ProbeResult> {
  await driver.connect(PROBED_KEYS);
  const count = Math.min(PROBED_KEYS, keys.count);
  const acknowledgedAtMs: number[][] = Array.from({ length: count }, () => []);
  let errors = 0;
  measuring();
  const endMs = performance.now() + seconds * 1000;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (performance.now() >= endMs) {
        clearInterval(timer);
        resolve();
        return;
      }
      for (let key = 0; key < count; key++) {
        driver.start(key, 'put', key, (error) => {
          if (error === undefined) acknowledgedAtMs[key].push(performance.timeOrigin + performance.now());
          else errors++;
        });
      }
    }, everyMs);
  });
  return { type: 'probed', acknowledgedAtMs, errors };
}
