export { COMPRESSION_BY_LEVEL, lz4Codec, nodeCodecs, zstdCodec } from './codecs.ts';
export { serveCompactions, type ServeCompactionsOptions } from './serve-compactions.ts';
export { type OpenedTree, openTree, type OpenTreeOptions } from './open-tree.ts';
export {
  WorkerCompactor,
  type WorkerCompactorOptions,
  type WorkerCompactorStats,
} from './worker-compactor.ts';
