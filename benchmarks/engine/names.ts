/** Engines that run inside Node. */
const ENGINE_NAMES = ['holdfast', 'holdfast-level', 'classic-level', 'lmdb'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** Programs that come with an engine and measure it themselves, without Node. */
export const PROGRAM_NAMES = ['rocksdb-db_bench', 'leveldb-db_bench'] as const;
export type ProgramName = (typeof PROGRAM_NAMES)[number];

/** A figure that is asked for, where no engine is the measure. */
export const BAR = 'bar';

export type PeerName = Exclude<EngineName, 'holdfast' | 'holdfast-level'> | ProgramName | typeof BAR;

export function isProgram(name: string): name is ProgramName {
  return (PROGRAM_NAMES as readonly string[]).includes(name);
}

export function isEngine(name: string): name is EngineName {
  return (ENGINE_NAMES as readonly string[]).includes(name);
}
