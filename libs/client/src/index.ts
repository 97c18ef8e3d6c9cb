export type { AbortSignalLike } from './api/abort.ts';
export { Client, type ClientOptions } from './api/client.ts';
export type { ClientObserver } from './observer.ts';
export type { Operation, OpResult, OpSink } from './operation.ts';
