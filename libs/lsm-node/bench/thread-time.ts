import { dlopen } from 'node:ffi';

const CLOCK_THREAD_CPUTIME_ID = 3;

const { functions } = dlopen(null, {
  clock_gettime: { arguments: ['i32', 'buffer'], return: 'i32' },
});
const timespec = new BigInt64Array(2);
const bytes = new Uint8Array(timespec.buffer);

/**
 * Nanoseconds of processor time of this thread, exact to below a microsecond (`process.threadCpuUsage` counts in
 * ticks of the kernel's timer). What other programs do to the machine does not show in it.
 */
export function threadNanoseconds(): number {
  functions.clock_gettime(CLOCK_THREAD_CPUTIME_ID, bytes);
  return Number(timespec[0]) * 1e9 + Number(timespec[1]);
}
