export { SECTOR_BYTES } from './world/disk-inode.ts';
export {
  type CrashOptions,
  type DiskFaultName,
  type DiskFaults,
  type DiskOperation,
  type DiskOperationKind,
  type DiskTimer,
  noDiskFaults,
  PowerLoss,
  type SimDiskOptions,
} from './world/disk-options.ts';
export { type CrashExploration, type CrashPoint, exploreCrashes } from './world/explore-crashes.ts';
export { SimDisk, ssdDelayMs } from './world/sim-disk.ts';
