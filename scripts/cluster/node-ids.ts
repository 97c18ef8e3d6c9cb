import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOUNDERS, NODE_ID_MAX } from './layout.ts';

const FILE = 'nodes.json';

/** The ids of the nodes of the cluster whose data this is: the founders, until one of them is replaced. */
export function nodeIdsOf(dataDirectory: string): readonly number[] {
  const path = join(dataDirectory, FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return FOUNDERS;
    throw error;
  }
  const ids: unknown = JSON.parse(text);
  const sound =
    Array.isArray(ids) &&
    ids.length === FOUNDERS.length &&
    new Set(ids).size === ids.length &&
    ids.every((id) => Number.isInteger(id) && id >= 1 && id <= NODE_ID_MAX);
  if (!sound) throw new Error(`${path} does not hold the ids of ${FOUNDERS.length} nodes`);
  return ids as readonly number[];
}

/**
 * A new node in the place of one. An id never comes back: the cluster remembers what it has heard under it.
 *
 * @throws Error with a message for people.
 */
export function withReplaced(ids: readonly number[], lost: number): readonly number[] {
  if (!ids.includes(lost)) throw new Error(`there is no node ${lost}; there are ${ids.join(', ')}`);
  const fresh = Math.max(...ids) + 1;
  if (fresh > NODE_ID_MAX) throw new Error(`nodes have ids up to ${NODE_ID_MAX} here`);
  return ids.map((id) => (id === lost ? fresh : id));
}

/** From now on these are the nodes. */
export function keepNodeIds(dataDirectory: string, ids: readonly number[]): void {
  const path = join(dataDirectory, FILE);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(ids)}\n`, { flush: true });
  renameSync(`${path}.tmp`, path);
}
