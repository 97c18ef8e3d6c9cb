/**
 * Where the microseconds go: runs a point against our nodes with V8's profiler in every process, and prints for each
 * process its self time per operation by part of the code. `npm run bench:cluster -- --profile put:256` comes here.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { costsOf, type CpuProfile } from './cpu-profile.ts';
import { Bench, type Times } from './measure.ts';
import type { ProfileRequest } from './profiling.ts';
import type { Child } from './systems/child.ts';
import type { System } from './systems/system.ts';
import type { Point } from './workloads.ts';

export interface ProfileOptions {
  readonly directory: string;
  readonly nodeFlags: readonly string[];
  readonly keys: number;
  readonly times: Times;
  /** Functions listed per process. */
  readonly functions: number;
}

/** Profiles one point; the profiles stay in the directory for a closer look. */
export async function profilePoint(system: System, point: Point, options: ProfileOptions): Promise<void> {
  const profileDirectory = join(options.directory, `profile-${point.workload}-${point.clients}`);
  mkdirSync(profileDirectory, { recursive: true });
  const bench = await Bench.start(system, options.keys, { ...options, profiled: true });
  const processes = [...bench.running.children, bench.load.child];
  let ops = 0;
  try {
    await bench.measure(point, options.times);
    for (const { process } of processes) process.send({ type: 'profile-begin' } satisfies ProfileRequest);
    const measurement = await bench.measure(point, { warmUp: 0, measured: options.times.measured });
    await Promise.all(processes.map((child) => endProfile(child, profileDirectory)));
    ops = measurement.opsPerSecond * options.times.measured;
    const leader = await bench.running.leader();
    console.log(
      `${point.workload} at ${point.clients} clients: ${measurement.opsPerSecond.toFixed(0)} ops/s with the profiler; ` +
        `most ranges are led by ${leader?.name ?? 'nobody'}`,
    );
  } finally {
    await bench.stop();
  }
  for (const file of readdirSync(profileDirectory).sort()) {
    const profile = JSON.parse(readFileSync(join(profileDirectory, file), 'utf8')) as CpuProfile;
    const { parts, functions } = costsOf(profile);
    console.log(`\n${file}: microseconds of self time per operation`);
    for (const { name, us } of parts) console.log(`  ${(us / ops).toFixed(2).padStart(7)}  ${name}`);
    console.log('  functions:');
    for (const { name, us } of functions.slice(0, options.functions)) {
      console.log(`  ${(us / ops).toFixed(2).padStart(7)}  ${name}`);
    }
  }
  console.log(`\nprofiles: ${profileDirectory}`);
}

function endProfile(child: Child, directory: string): Promise<void> {
  return new Promise((resolve) => {
    child.process.on('message', (message: { readonly type?: unknown }) => {
      if (message.type === 'profiled') resolve();
    });
    const request: ProfileRequest = {
      type: 'profile-end',
      file: join(directory, `${child.name}.cpuprofile`),
    };
    child.process.send(request);
  });
}
