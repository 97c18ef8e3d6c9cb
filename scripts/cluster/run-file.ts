import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What runs now, for the tools: written by who started it, at every change. */
export interface RunFile {
  /** The process that started the others. */
  readonly supervisor: number;
  readonly processes: readonly {
    readonly name: string;
    readonly url: string;
    /** Absent while it does not run. */
    readonly pid?: number;
  }[];
}

const RUN_FILE = 'run.json';

export function writeRunFile(dataDirectory: string, run: RunFile): void {
  const path = join(dataDirectory, RUN_FILE);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(run, undefined, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

export function removeRunFile(dataDirectory: string): void {
  rmSync(join(dataDirectory, RUN_FILE), { force: true });
}

/** The record of the running cluster; undefined when there is none, or when who wrote it is gone. */
export function readRunFile(dataDirectory: string): RunFile | undefined {
  let run: RunFile;
  try {
    run = JSON.parse(readFileSync(join(dataDirectory, RUN_FILE), 'utf8')) as RunFile;
  } catch {
    return undefined;
  }
  return isAlive(run.supervisor) ? run : undefined;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
