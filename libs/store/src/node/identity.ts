import {
  decodeUtf8,
  type Disk,
  DiskError,
  joinPath,
  type NodeId,
  nodeId,
  type Random,
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

/** Whose directory it is, and since when. */
export interface DirectoryIdentity extends NodeIdentity {
  /**
   * Drawn when the directory was made, 1 to 2^53-1. The cluster remembers it: a node that comes back with another
   * one has lost its disk, and with it what it has promised.
   */
  readonly storage: number;
  /** The node was taken out of the cluster. */
  readonly removed: boolean;
}

/** The directory belongs to another node, another cluster or a later version. The node must not start. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
}

/** The cluster refuses this node for good: it was taken out, or has lost the disk that spoke for its id. */
export class ExpelledError extends Error {
  override readonly name = 'ExpelledError';
  readonly code: 'HF_NODE_REMOVED' | 'HF_NODE_DISK_LOST';

  constructor(code: ExpelledError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Reads the identity of a directory, or writes `expected` into an empty one.
 *
 * @throws IdentityError when the directory belongs to somebody else, or to a node that was taken out of the cluster,
 * or holds data without an identity.
 */
export async function claimDirectory(
  disk: Disk,
  directory: string,
  expected: NodeIdentity,
  random: Random,
): Promise<DirectoryIdentity> {
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
    const storage = (random.nextU32() % 2 ** 21) * 2 ** 32 + random.nextU32();
    const identity = { ...expected, storage: Math.max(1, storage), removed: false };
    await replaceFile(disk, path, encodeIdentity(identity));
    return identity;
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
  if (found.removed) {
    throw new IdentityError(`node ${found.nodeId} was taken out of the cluster: its id is never used again`);
  }
  return found;
}

/** Notes in its directory that the node was taken out: it will not serve what it holds to anybody again. */
export async function markRemoved(disk: Disk, directory: string, identity: DirectoryIdentity): Promise<void> {
  await replaceFile(disk, joinPath(directory, FILE), encodeIdentity({ ...identity, removed: true }));
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

function encodeIdentity(identity: DirectoryIdentity): Uint8Array {
  return utf8(`${JSON.stringify({ format: DIRECTORY_FORMAT, ...identity }, undefined, 2)}\n`);
}

function decodeIdentity(bytes: Uint8Array, path: string): DirectoryIdentity {
  const fields = parseObject(decodeUtf8(bytes));
  if (fields === undefined) throw new IdentityError(`${path} is not readable as JSON`);
  const { format, clusterId, nodeId: id, storage, removed } = fields;
  if (typeof format !== 'number' || format > DIRECTORY_FORMAT) {
    throw new IdentityError(
      `${path} has format ${String(format)}, this version reads up to ${DIRECTORY_FORMAT}`,
    );
  }
  if (typeof clusterId !== 'string' || typeof id !== 'number' || typeof storage !== 'number') {
    throw new IdentityError(`${path} names no cluster, no node or no storage`);
  }
  return { clusterId, nodeId: nodeId(id), storage, removed: removed === true };
}

function parseObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
