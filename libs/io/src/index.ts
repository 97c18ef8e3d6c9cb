export { asError, assert, AssertionError, unreachable } from './assert.ts';
export { type Buggify, neverBuggify } from './buggify.ts';
export {
  compareBytes,
  concatBytes,
  copyBytes,
  EMPTY_BYTES,
  equalBytes,
  loadU16,
  loadU32,
  loadU53,
  prefixEnd,
  readU53,
  retainBytes,
  storeU16,
  storeU32,
  storeU53,
  viewOf,
  writeU53,
} from './bytes.ts';
export type { Cancel, Clock } from './clock.ts';
export { crc32, crc32Over } from './crc32.ts';
export {
  type Disk,
  DiskError,
  type DiskErrorCode,
  isDiskFull,
  type DiskFile,
  type DiskLock,
  directoryOf,
  joinPath,
  readWholeFile,
  replaceFile,
} from './disk.ts';
export {
  type Brand,
  type KeyspaceId,
  keyspaceId,
  type NodeId,
  nodeId,
  type RangeId,
  rangeId,
  type Revision,
  revision,
} from './ids.ts';
export { BLOOM_LINE_BYTES } from './fill-bloom.ts';
export { type Kernels, pureKernels } from './kernels.ts';
export type { Address, Connection, ConnectionHandler, Listener, Network } from './network.ts';
export {
  type Crossing,
  shareable,
  type Shareable,
  threadBound,
  type ThreadBound,
  transferable,
  type Transferable,
} from './ownership.ts';
export { Prng, type Random, randomChance, randomFraction, randomInteger, randomPick } from './random.ts';
export { decodeUtf8, encodeUtf8, utf8 } from './text.ts';
