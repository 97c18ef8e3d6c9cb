export { HoldfastLevel } from './holdfast-level.ts';
export type { HoldfastLevelOptions, ReadOptions, WriteOptions } from './level-options.ts';
