import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const CLUSTER_ID_FILE = 'cluster-id';
const DEVELOPMENT_KEY_FILE = 'development-key';

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
  const { path, text: id } = keptText(dataDirectory, CLUSTER_ID_FILE, () => randomBytes(16).toString('hex'));
  if (!/^[0-9a-f]{32}$/.test(id))
    throw new Error(`${path} does not hold a cluster id (32 hexadecimal digits)`);
  return id;
}

/** The root key of the gateway of this cluster; made up at the first start and kept, for its owner's eyes only. */
export function developmentKeyOf(dataDirectory: string): string {
  const make = (): string => `hf_dev_${randomBytes(32).toString('base64url')}`;
  const { path, text: key } = keptText(dataDirectory, DEVELOPMENT_KEY_FILE, make);
  if (!/^[\x21-\x7e]{32,}$/.test(key))
    throw new Error(`${path} does not hold a key (32 or more printable characters)`);
  return key;
}

function keptText(
  directory: string,
  name: string,
  make: () => string,
): { readonly path: string; readonly text: string } {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  try {
    writeFileSync(path, `${make()}\n`, { flag: 'wx', flush: true, mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return { path, text: readFileSync(path, 'utf8').trim() };
}
