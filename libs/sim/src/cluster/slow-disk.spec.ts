import { Prng } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { CalmCluster } from '../../testing/calm-cluster.ts';
import { KEEP_ALL } from '../runs/mask.ts';
import { RegisterWorkload } from '../workloads/register-workload.ts';
import type { Server } from './store-cluster.ts';

describe('a leader whose disk hangs', () => {
  it('lets somebody else lead, and nobody waits for its disk', async () => {
    const world = new CalmCluster({ seed: 3 });
    const { cluster, coverage, scheduler } = world;
    const random = new Prng(3);
    const workload = new RegisterWorkload(() => scheduler.nowUs, random.fork());
    const workers = [0, 1, 2].map((process) =>
      workload.worker({
        process,
        client: world.connect(process),
        scheduler,
        random: random.fork(),
        pace: { thinkMs: 20, deadlineMs: 5_000 },
        mask: KEEP_ALL,
      }),
    );
    const led = ({ node }: Server): number =>
      node?.status().ranges.filter(({ role }) => role === 'leader').length ?? 0;
    world.start();
    for (const worker of workers) worker.start();
    await world.pass(3_000);
    const slow = cluster.servers.find((server) => led(server) > 0)!;
    const before = led(slow);
    const written = workers.map(({ writes }) => writes);
    // Every sync takes a second or more.
    slow.machine.faults.slowdown = 10_000;
    await world.pass(6_000);
    expect(coverage.count('ranges offered because of a slow disk')).toBeGreaterThan(0);
    // Ranges that nobody writes to need no other leader.
    expect(led(slow)).toBeLessThan(before);
    workers.forEach(({ writes }, i) => expect(writes).toBeGreaterThan(written[i] + 50));
  });
});
