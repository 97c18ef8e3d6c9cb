import { extname } from 'node:path';
import { execArgv } from 'node:process';
import { Worker } from 'node:worker_threads';
import type { Crossing } from '@holdfast/io';

/**
 * Starts a thread from the module beside the caller: as TypeScript when the caller runs as TypeScript.
 *
 * @param moduleUrl the caller's `import.meta.url`.
 * @param name path of the module relative to it, without extension.
 * @param data what the thread finds in `workerData`.
 */
export function startWorker<T>(moduleUrl: string, name: string, data: Crossing<T>): Worker {
  const extension = extname(moduleUrl);
  const fromSource = extension === '.ts' && !execArgv.includes('--conditions=source');
  return new Worker(new URL(`${name}${extension}`, moduleUrl), {
    workerData: data,
    ...(fromSource && { execArgv: [...execArgv, '--conditions=source'] }),
  });
}
