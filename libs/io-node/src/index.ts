export { LOCK_FILE_NAME } from './directory-lock.ts';
export { FileDisk } from './file-disk.ts';
export { nodeKernels } from './node-kernels.ts';
export { SystemClock } from './system-clock.ts';
export { systemRandomSeed } from './system-random-seed.ts';
export type { TcpLimits } from './tcp-connection.ts';
export { TcpNetwork } from './tcp-network.ts';
export { LogWriter } from './threads/log-writer.ts';
