/** One suite per contract of the engine, for every world that implements it. Runs under Vitest only. */
export { blockCodecConformance } from './block-codec-conformance.ts';
export { compactorConformance, type CompactorWorld } from './compactor-conformance.ts';
