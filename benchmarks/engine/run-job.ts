import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Job, JobResult } from './job.ts';

const CHILD = join(import.meta.dirname, 'child.ts');

/** Runs a program to its end. @throws with what it said on stderr when it fails. */
export async function run(
  program: string,
  args: readonly string[],
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject).on('close', resolve);
  const code = await promise;
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${stderr || stdout}`);
  return { stdout, stderr };
}

/** One measurement in a process of its own, so that no heap, cache or compiled code outlives it. */
export async function runJob(job: Job, nodeOptions: readonly string[] = []): Promise<JobResult> {
  const { stdout } = await run(process.execPath, [
    '--conditions=source',
    '--no-warnings',
    ...nodeOptions,
    CHILD,
    JSON.stringify(job),
  ]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as JobResult;
}
