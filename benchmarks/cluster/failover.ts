import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Options } from './arguments.ts';
import { LoadGenerator } from './load-generator.ts';
import { median } from './report.ts';
import type { System } from './systems/system.ts';

/** A put of every probed key goes out this often, answered or not. */
const PROBE_MS = 10;
/** Probing before the kill, and in all. The last is longer than any pause that is expected. */
const BEFORE_SECONDS = 1;
const PROBE_SECONDS = 6;
/** The killed server has come back; the cluster gets this long to be at rest again. */
const REST_SECONDS = 1;

/** Kills leaders, and prints how long puts paused: per kill the longest gap between two acknowledgements of one key. */
export async function runFailover(systems: readonly System[], options: Options): Promise<void> {
  for (const system of systems) {
    const isCluster = system.name.startsWith('holdfast') || system.name.startsWith('etcd');
    if (!isCluster || system.name.endsWith('http')) continue;
    const pausesMs: number[] = [];
    let errors = 0;
    const directory = join(options.directory, system.name);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const running = await system.start({ directory, nodeFlags: options.nodeFlags });
    const load = new LoadGenerator({ directory });
    try {
      await load.prepare(running.target, 1000);
      for (let kill = 0; kill < options.kills; kill++) {
        const result = await killOnce(running, load);
        pausesMs.push(result.pauseMs);
        errors += result.errors;
        console.error(
          `${system.name} kill ${kill + 1}: ${result.pauseMs.toFixed(0)} ms, ${result.errors} failed puts`,
        );
      }
    } finally {
      await load.stop();
      await running.stop();
      rmSync(directory, { recursive: true, force: true });
    }
    console.log(
      `${system.name}: puts pause for ${median(pausesMs).toFixed(0)} ms after kill -9 of the leader ` +
        `(median of ${pausesMs.length}; ${Math.min(...pausesMs).toFixed(0)} .. ${Math.max(...pausesMs).toFixed(0)} ms), ` +
        `${errors} puts failed or are unknown`,
    );
  }
}

async function killOnce(
  running: Awaited<ReturnType<System['start']>>,
  load: LoadGenerator,
): Promise<{ readonly pauseMs: number; readonly errors: number }> {
  const victim = await running.leader();
  if (victim === undefined) throw new Error('no leader to kill');
  let killedAtMs = 0;
  const result = await load.probe(PROBE_MS, PROBE_SECONDS, () => {
    setTimeout(() => {
      killedAtMs = performance.timeOrigin + performance.now();
      void victim.kill();
    }, BEFORE_SECONDS * 1000);
  });
  await running.restart(victim);
  await new Promise((resolve) => setTimeout(resolve, REST_SECONDS * 1000));
  const pauses = result.acknowledgedAtMs.map((instants) => pauseAround(instants, killedAtMs));
  return { pauseMs: Math.max(...pauses), errors: result.errors };
}

/** From the last acknowledgement before the kill to the first after the longest silence behind it. */
function pauseAround(instants: readonly number[], killedAtMs: number): number {
  let longest = 0;
  for (let i = 1; i < instants.length; i++) {
    if (instants[i] < killedAtMs) continue;
    longest = Math.max(longest, instants[i] - instants[i - 1]);
  }
  const endMs = killedAtMs + (PROBE_SECONDS - BEFORE_SECONDS) * 1000;
  return Math.max(longest, endMs - (instants.at(-1) ?? killedAtMs));
}
