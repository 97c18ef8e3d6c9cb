import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { freeClusterPorts } from './free-ports.ts';
import { LocalCluster } from './local-cluster.ts';

const READY_MS = 60_000;

/** Runs `measure` against a fresh cluster on free ports; `HOLDFAST_DATA_DIR` chooses the disk it writes to. */
export async function withCluster<T>(measure: (cluster: LocalCluster) => Promise<T>): Promise<T> {
  const parent = process.env['HOLDFAST_DATA_DIR'];
  const directory = mkdtempSync(
    join(parent === undefined || parent === '' ? tmpdir() : parent, 'holdfast-measure-'),
  );
  const lines: string[] = [];
  const cluster = new LocalCluster({
    root: dirname(dirname(import.meta.dirname)),
    dataDirectory: directory,
    ports: await freeClusterPorts(),
    logLevel: 'warn',
    onLine: (name, line) => lines.push(`${name} | ${line}`),
  });
  try {
    await cluster.start(READY_MS);
    return await measure(cluster);
  } catch (error) {
    console.error(lines.slice(-50).join('\n'));
    throw error;
  } finally {
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What a figure was measured on. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memoryGiB = (totalmem() / 2 ** 30).toFixed(0);
  return (
    `${availableParallelism()} cores (${model}), ${memoryGiB} GiB, Node.js ${process.versions.node}, ` +
    `${process.platform} ${process.arch}; all processes on this machine`
  );
}
