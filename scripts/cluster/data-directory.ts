import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const CLUSTER_ID_FILE = 'cluster-id';

/** Where a cluster on this machine keeps everything: `HOLDFAST_DATA_DIR`, by default `.holdfast` in the project. */
export function dataDirectoryOf(
  root: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const chosen = environment['HOLDFAST_DATA_DIR'];
  return resolve(root, chosen === undefined || chosen === '' ? '.holdfast' : chosen);
}

/** The id of the cluster whose data this is; made up at the first start and kept. */
export function clusterIdOf(dataDirectory: string): string {
  mkdirSync(dataDirectory, { recursive: true });
  const path = join(dataDirectory, CLUSTER_ID_FILE);
  try {
    writeFileSync(path, `${randomBytes(16).toString('hex')}\n`, { flag: 'wx', flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const id = readFileSync(path, 'utf8').trim();
  if (!/^[0-9a-f]{32}$/.test(id))
    throw new Error(`${path} does not hold a cluster id (32 hexadecimal digits)`);
  return id;
}
