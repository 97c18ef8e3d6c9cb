import { Prng, randomChance, randomInteger, utf8 } from '@holdfast/io';
import { DataResponseBuilder, HoldfastError } from '@holdfast/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../testing/fake-cluster.ts';
import type { FakeRequest } from '../../testing/fake-node.ts';
import { get, put } from '../../testing/ops.ts';

/** What became of one write, as its caller was told. */
type Told = 'applied' | 'not_applied' | 'unknown';

/** A node that answers, loses answers, cuts connections before and after applying, or stays silent. */
function treacherous(random: Prng, cluster: FakeCluster): (request: FakeRequest) => boolean {
  return ({ node, reader, cut }) => {
    const applyAll = (): void => {
      const out = new DataResponseBuilder();
      for (let i = 0; i < reader.count; i++) cluster.answer(node.nodeId, reader, i, out);
    };
    const draw = randomInteger(random, 0, 19);
    if (draw === 0) {
      cut();
      return true;
    }
    if (draw === 1) {
      applyAll();
      cut();
      return true;
    }
    if (draw === 2) {
      applyAll();
      return true;
    }
    return draw === 3;
  };
}

/** Runs writes and reads against treacherous nodes and moving leaders; gives what the callers were told. */
async function runChaos(
  seed: number,
): Promise<{ told: Map<string, Told>; cluster: FakeCluster; trace: string }> {
  const random = new Prng(seed);
  const cluster = await FakeCluster.start(3, ['k5']);
  const client = cluster.client({ random: random.fork() });
  for (const node of cluster.nodes.values()) node.script = treacherous(random.fork(), cluster);
  const told = new Map<string, Told>();
  const calls: Promise<unknown>[] = [];
  const trace: string[] = [];
  for (let turn = 0; turn < 40; turn++) {
    for (let i = 0; i < randomInteger(random, 0, 6); i++) {
      const key = `k${randomInteger(random, 0, 9)}-${turn}-${i}`;
      const options = randomChance(random, 0.3) ? { idempotencyKey: utf8(key) } : {};
      const call = client.execute(put(key, { deadlineMs: randomInteger(random, 5, 3000), ...options })).then(
        () => told.set(key, 'applied'),
        (error: unknown) => {
          if (!(error instanceof HoldfastError)) throw error;
          trace.push(`${key} ${error.code}`);
          told.set(key, error.outcome);
        },
      );
      calls.push(
        call,
        client.execute(get(key)).catch(() => undefined),
      );
    }
    if (randomChance(random, 0.2)) cluster.lead(randomInteger(random, 0, 1), randomInteger(random, 0, 3));
    await cluster.clock.run(randomInteger(random, 0, 60));
  }
  await cluster.clock.settle(Promise.all(calls), 60_000);
  expect(client.pendingOps).toBe(0);
  await client.close();
  return { told, cluster, trace: `${trace.join('\n')}\n${cluster.applied.join(' ')}` };
}

describe('under treacherous nodes', () => {
  it('no write is applied twice, and what callers are told is true', async () => {
    await fc.assert(
      fc.asyncProperty(fc.maxSafeNat(), async (seed) => {
        const { told, cluster } = await runChaos(seed);
        const times = new Map<string, number>();
        for (const key of cluster.applied) times.set(key, (times.get(key) ?? 0) + 1);
        for (const [key, outcome] of told) {
          const applied = times.get(key) ?? 0;
          expect(applied, `${key} applied twice`).toBeLessThanOrEqual(1);
          if (outcome === 'applied') expect(applied, `${key} was lost`).toBe(1);
          if (outcome === 'not_applied') expect(applied, `${key} was said not to be applied`).toBe(0);
        }
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('the same seed gives the same run', async () => {
    const [first, second] = [await runChaos(77), await runChaos(77)];
    expect(second.trace).toBe(first.trace);
  });
});
