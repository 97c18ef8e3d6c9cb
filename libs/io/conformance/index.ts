/** One suite per contract, for every world that implements it. Runs under Vitest only. */
export { type ClockWorld, clockConformance } from './clock-conformance.ts';
export { diskConformance, type DiskWorld } from './disk-conformance.ts';
export { kernelsConformance } from './kernels-conformance.ts';
export { networkConformance, type NetworkWorld } from './network-conformance.ts';
export { RecordedEnd } from './recorded-end.ts';
export { realTime, Signal, type World } from './world.ts';
