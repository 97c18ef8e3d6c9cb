import {
  decodeUtf8,
  type Disk,
  DiskError,
  joinPath,
  type NodeId,
  nodeId,
  readWholeFile,
  replaceFile,
  utf8,
} from '@holdfast/io';

/** Version of the directory's layout; a directory of a later version is refused. */
export const DIRECTORY_FORMAT = 1;
const FILE = 'identity.json';

/** Whose directory this is. Written once, before anything else. */
export interface NodeIdentity {
  /** 32 hexadecimal digits, shared by all nodes of a cluster. */
  readonly clusterId: string;
  readonly nodeId: NodeId;
}

/** The directory belongs to another node, another cluster or a later version. The node must not start. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
}

/**
 * Reads the identity of a directory, or writes `expected` into an empty one.
 *
 * @returns true when the directory was new.
 * @throws IdentityError when the directory belongs to somebody else, or holds data without an identity.
 */
export async function claimDirectory(
  disk: Disk,
  directory: string,
  expected: NodeIdentity,
): Promise<boolean> {
  await disk.makeDirectory(directory);
  const path = joinPath(directory, FILE);
  let bytes: Uint8Array;
  try {
    bytes = await readWholeFile(disk, path);
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'ENOENT') throw error;
    const names = (await disk.list(directory)).filter((name) => !isScaffold(name));
    if (names.length > 0) {
      throw new IdentityError(
        `${directory} holds ${names.slice(0, 3).join(', ')} but no ${FILE}: not a data directory of a node, or a damaged one`,
      );
    }
    await replaceFile(disk, path, encodeIdentity(expected));
    return true;
  }
  const found = decodeIdentity(bytes, path);
  if (found.clusterId !== expected.clusterId) {
    throw new IdentityError(
      `${directory} belongs to cluster ${found.clusterId}, this node is configured for cluster ${expected.clusterId}`,
    );
  }
  if (found.nodeId !== expected.nodeId) {
    throw new IdentityError(
      `${directory} belongs to node ${found.nodeId}, this process is configured as node ${expected.nodeId}`,
    );
  }
  return false;
}

/** The 16 bytes of a cluster id. @throws IdentityError unless it is 32 hexadecimal digits. */
export function parseClusterId(text: string): Uint8Array {
  if (!/^[0-9a-f]{32}$/.test(text)) throw new IdentityError('a cluster id is 32 hexadecimal digits');
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** What may stand in a directory before the identity does: the lock, and a half-written identity. */
function isScaffold(name: string): boolean {
  return name.toLowerCase().includes('lock') || name === `${FILE}.tmp`;
}

function encodeIdentity(identity: NodeIdentity): Uint8Array {
  return utf8(`${JSON.stringify({ format: DIRECTORY_FORMAT, ...identity }, undefined, 2)}\n`);
}

function decodeIdentity(bytes: Uint8Array, path: string): NodeIdentity {
  const fields = parseObject(decodeUtf8(bytes));
  if (fields === undefined) throw new IdentityError(`${path} is not readable as JSON`);
  const { format, clusterId, nodeId: id } = fields;
  if (typeof format !== 'number' || format > DIRECTORY_FORMAT) {
    throw new IdentityError(
      `${path} has format ${String(format)}, this version reads up to ${DIRECTORY_FORMAT}`,
    );
  }
  if (typeof clusterId !== 'string' || typeof id !== 'number') {
    throw new IdentityError(`${path} names no cluster or no node`);
  }
  return { clusterId, nodeId: nodeId(id) };
}

function parseObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
