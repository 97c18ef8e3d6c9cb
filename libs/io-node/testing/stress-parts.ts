import { once } from 'node:events';
import type { Shareable } from '@holdfast/io';
import type { SharedHandlesMemory } from '../src/threads/shared-handles.ts';
import { startWorker } from '../src/threads/start-worker.ts';

/** For tests with threads and processes of their own, on a machine that does other things too. */
export const STRESS_MS_MAX = 60_000;

/** What one thread of a stress test does. */
export type StressPart =
  | {
      readonly kind: 'ring-producer';
      readonly ring: SharedArrayBuffer;
      readonly records: number;
      readonly seed: number;
    }
  | { readonly kind: 'ring-consumer'; readonly ring: SharedArrayBuffer }
  | { readonly kind: 'mutex'; readonly memory: SharedArrayBuffer; readonly rounds: number }
  | {
      readonly kind: 'counters';
      readonly memory: Shareable<SharedArrayBuffer>;
      readonly rounds: number;
      readonly amount: number;
    }
  | {
      readonly kind: 'map';
      readonly map: Shareable<SharedArrayBuffer>;
      readonly rounds: number;
      readonly keys: number;
      readonly thread: number;
      readonly seed: number;
    }
  | {
      readonly kind: 'map-insert';
      readonly map: Shareable<SharedArrayBuffer>;
      readonly keys: number;
      readonly thread: number;
    }
  | {
      readonly kind: 'handles';
      readonly handles: SharedHandlesMemory;
      readonly alive: SharedArrayBuffer;
      readonly ids: number;
      readonly rounds: number;
      readonly thread: number;
    };

/** Runs a part on a thread of its own, and gives its answer. */
export async function runPart(part: StressPart): Promise<unknown> {
  const worker = startWorker<StressPart>(import.meta.url, './stress-worker', part);
  const failed = once(worker, 'error').then(([error]) => Promise.reject(error as Error));
  const [answer] = (await Promise.race([once(worker, 'message'), failed])) as [unknown];
  await worker.terminate();
  return answer;
}

export function recordLength(i: number): number {
  return (i * 37) % 211;
}

export function recordByte(i: number): number {
  return (i * 13) & 0xff;
}
