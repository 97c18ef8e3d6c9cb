import { Prng, randomChance, randomInteger, utf8 } from '@holdfast/io';
import { Consistency, HoldfastError } from '@holdfast/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../testing/fake-cluster.ts';
import { get, put } from '../../testing/ops.ts';

/** How long a client may take to serve again after the cluster has healed, in milliseconds. */
const RECOVERY_MS = 1500;

describe('while nodes die, fall silent and come back', () => {
  it('every call ends by its deadline, and service resumes after the heal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.maxSafeNat(), async (seed) => {
        const random = new Prng(seed);
        const cluster = await FakeCluster.start(3, ['k5']);
        const client = cluster.client({ random: random.fork() });
        const { clock, network } = cluster;
        const calls: Promise<void>[] = [];
        const late: string[] = [];
        const watch = (call: Promise<unknown>, key: string, deadlineMs: number): void => {
          const startedMs = clock.monotonicMs();
          const ended = (error: unknown): void => {
            if (error !== undefined) expect(error).toBeInstanceOf(HoldfastError);
            if (clock.monotonicMs() - startedMs > deadlineMs + 10) late.push(key);
          };
          calls.push(call.then(() => ended(undefined), ended));
        };
        for (let turn = 0; turn < 60; turn++) {
          const id = randomInteger(random, 1, 3);
          const { address } = cluster.node(id);
          const draw = randomInteger(random, 0, 9);
          if (draw === 0) {
            cluster.kill(id);
            for (const [i, range] of cluster.ranges.entries())
              if (range.leader === id) cluster.lead(i, (id % 3) + 1);
          } else if (draw === 1) network.silence(address);
          else if (draw === 2) network.heal(address);
          else if (draw === 3) await cluster.node(id).start();
          const key = `k${randomInteger(random, 0, 9)}-${turn}`;
          const deadlineMs = randomInteger(random, 1, 3000);
          const more = randomChance(random, 0.5) ? { deadlineMs, idempotencyKey: utf8(key) } : { deadlineMs };
          watch(client.execute(put(key, more)), key, deadlineMs);
          const consistency = randomChance(random, 0.5) ? Consistency.strong : Consistency.eventual;
          watch(client.execute(get(key, { deadlineMs, consistency })), key, deadlineMs);
          await clock.run(randomInteger(random, 0, 200));
        }
        for (const node of cluster.nodes.values()) {
          network.heal(node.address);
          await node.start();
        }
        for (const [i, range] of cluster.ranges.entries()) if (range.leader === 0) cluster.lead(i, 1);
        await clock.settle(Promise.all(calls), 60_000);
        expect(late).toEqual([]);
        expect(client.pendingOps).toBe(0);
        const startedMs = clock.monotonicMs();
        await clock.settle(Promise.all([client.execute(put('k1')), client.execute(put('k9'))]));
        expect(clock.monotonicMs() - startedMs).toBeLessThan(RECOVERY_MS);
        await client.close();
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('resumes within 300 ms of the death of a leader, whatever the moment and the length of the election', async () => {
    const gaps: number[] = [];
    for (let seed = 0; seed < 30; seed++) {
      const random = new Prng(seed);
      const cluster = await FakeCluster.start(3);
      const client = await cluster.readyClient({ random: random.fork() });
      await cluster.clock.settle(client.execute(put('a')));
      await cluster.clock.run(randomInteger(random, 0, 500));
      cluster.kill(1);
      cluster.lead(0, 0);
      const electionMs = randomInteger(random, 10, 120);
      cluster.clock.schedule(electionMs, () => cluster.lead(0, 2));
      await cluster.clock.run(1);
      const startedMs = cluster.clock.monotonicMs() - 1;
      await cluster.clock.settle(
        Promise.all(Array.from({ length: 50 }, (_, i) => client.execute(put(`k${i}`)))),
      );
      gaps.push(cluster.clock.monotonicMs() - startedMs - electionMs);
      await client.close();
    }
    expect(Math.max(...gaps)).toBeLessThan(180);
    expect(gaps.toSorted((a, b) => a - b)[15]).toBeLessThan(80);
  });
});
