import { pureKernels, utf8 } from '@holdfast/io';
import {
  Consistency,
  DataResponseBuilder,
  encodeError,
  encodeGoAway,
  HoldfastError,
  PROTOCOL_VERSION_MAX,
} from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../testing/fake-cluster.ts';
import { get, put } from '../../testing/ops.ts';

const answer = (fill: (out: DataResponseBuilder) => void, requestId: number, more = false): Uint8Array => {
  const out = new DataResponseBuilder();
  fill(out);
  return out.toFrame(pureKernels, requestId, PROTOCOL_VERSION_MAX, 0, more);
};

describe('a wrong guess of the leader', () => {
  it('is corrected by the hint at once', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    cluster.lead(0, 3);
    const started = cluster.clock.monotonicMs();
    await cluster.clock.settle(client.execute(put('a')));
    expect(cluster.clock.monotonicMs() - started).toBeLessThan(5);
    expect(cluster.node(3).ops).toBe(1);
    await client.close();
  });

  it('asks with one operation, not with all that wait', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    cluster.lead(0, 3);
    await cluster.clock.settle(
      Promise.all(Array.from({ length: 500 }, (_, i) => client.execute(put(`k${i}`)))),
    );
    expect(cluster.node(1).ops).toBe(500);
    expect(cluster.node(3).requests).toBeLessThanOrEqual(3);
    expect(cluster.applied).toHaveLength(500);
    await client.close();
  });

  it('is found without hints by asking every replica', async () => {
    const cluster = await FakeCluster.start(5);
    cluster.hints = false;
    cluster.lead(0, 4);
    const client = await cluster.readyClient();
    await cluster.clock.settle(client.execute(put('a')));
    expect(cluster.applied).toEqual(['a']);
    await client.close();
  });

  it('is corrected although the map does not know the leader: the node has joined since', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    await cluster.join(4);
    cluster.ranges[0]!.replicas = [1, 2, 4];
    cluster.lead(0, 4);
    const started = cluster.clock.monotonicMs();
    await cluster.clock.settle(client.execute(put('a')));
    expect(cluster.clock.monotonicMs() - started).toBeLessThan(500);
    expect(cluster.node(4).ops).toBe(1);
    await client.close();
  });

  it('does not wait for a hinted node to which no connection comes about', async () => {
    const cluster = await FakeCluster.start(3);
    cluster.network.silence(cluster.node(2).address);
    const client = await cluster.readyClient();
    cluster.node(1).script = ({ send, requestId }) => {
      send(
        answer((out) => out.refused(0, 'HF_NOT_LEADER', { leaderHint: cluster.node(2).nodeId }), requestId),
      );
      return true;
    };
    cluster.lead(0, 3);
    const started = cluster.clock.monotonicMs();
    await cluster.clock.settle(client.execute(put('a')));
    expect(cluster.clock.monotonicMs() - started).toBeLessThan(300);
    await client.close();
  });

  it('does not make a storm of two nodes that point at each other', async () => {
    const cluster = await FakeCluster.start(2);
    const client = await cluster.readyClient();
    for (const [id, other] of [
      [1, 2],
      [2, 1],
    ] as const) {
      cluster.node(id).script = ({ send, requestId }) => {
        send(answer((out) => out.refused(0, 'HF_NOT_LEADER', { leaderHint: other as never }), requestId));
        return true;
      };
    }
    const error = await cluster.clock.failure(client.execute(put('a', { deadlineMs: 1000 })));
    expect(error).toMatchObject({ code: 'HF_DEADLINE_EXCEEDED', outcome: 'not_applied' });
    expect(cluster.node(1).requests + cluster.node(2).requests).toBeLessThan(100);
    await client.close();
  });
});

describe('the leader dies', () => {
  it('serves again within 300 ms of the election', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    await cluster.clock.settle(client.execute(put('a')));
    cluster.kill(1);
    cluster.lead(0, 0);
    cluster.clock.schedule(100, () => cluster.lead(0, 2));
    await cluster.clock.run(1);
    const started = cluster.clock.monotonicMs();
    await cluster.clock.settle(client.execute(put('b')));
    expect(cluster.clock.monotonicMs() - started).toBeLessThan(250);
    await client.close();
  });

  it('never sends a plain write again, and says that its outcome is unknown', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    cluster.node(1).script = ({ node, reader }) => {
      // Applied, and then the process is gone before it can say so.
      const out = new DataResponseBuilder();
      for (let i = 0; i < reader.count; i++) cluster.answer(node.nodeId, reader, i, out);
      cluster.kill(1);
      cluster.lead(0, 2);
      return true;
    };
    const outcomes = await cluster.clock.settle(
      Promise.allSettled(Array.from({ length: 50 }, (_, i) => client.execute(put(`k${i}`)))),
    );
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'HF_CONNECTION_LOST', outcome: 'unknown' },
      });
    }
    await cluster.clock.run(5000);
    expect(new Set(cluster.applied).size).toBe(cluster.applied.length);
    expect(cluster.node(2).ops + cluster.node(3).ops).toBe(0);
    await client.close();
  });

  it('sends a write with an idempotency key again; it is applied once', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    cluster.node(1).script = ({ node, reader }) => {
      cluster.answer(node.nodeId, reader, 0, new DataResponseBuilder());
      cluster.kill(1);
      cluster.lead(0, 2);
      return true;
    };
    const result = await cluster.clock.settle(client.execute(put('a', { idempotencyKey: utf8('once') })));
    expect(result).toMatchObject({ outcome: 'applied', replayed: true });
    expect(cluster.applied).toEqual(['a']);
    await client.close();
  });

  it('takes the verdict under an idempotency key for that on every try, and no other refusal', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    await cluster.clock.settle(client.execute(put('a')));
    // The answer to the first try is lost; nobody here knows whether it was applied.
    cluster.node(1).script = ({ cut }) => {
      cut();
      cluster.node(1).script = undefined;
      return true;
    };
    const users = client.keyspace('users');
    const swap = users.compareAndSet('a', 1, { ifAbsent: true, idempotencyKey: 'once' });
    expect(await cluster.clock.settle(swap)).toMatchObject({ swapped: false });

    cluster.node(1).script = ({ cut }) => {
      cut();
      // Refused before the log has looked at it: the first try may still be applied.
      cluster.node(1).script = ({ send, requestId }) => {
        send(answer((out) => out.refused(0, 'HF_OVERLOADED'), requestId));
        return true;
      };
      return true;
    };
    const options = { idempotencyKey: utf8('other'), deadlineMs: 300 };
    const error = await cluster.clock.failure(client.execute(put('b', options)));
    expect(error).toMatchObject({ outcome: 'unknown' });
    await client.close();
  });

  it('asks another replica for reads that were under way', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    await cluster.clock.settle(client.execute(put('a')));
    cluster.node(1).script = () => {
      cluster.kill(1);
      cluster.lead(0, 3);
      return true;
    };
    const results = await cluster.clock.settle(
      Promise.all(Array.from({ length: 20 }, () => client.execute(get('a')))),
    );
    expect(results.every((result) => result.found)).toBe(true);
    await client.close();
  });

  it('sends elsewhere what was queued and never sent', async () => {
    const cluster = await FakeCluster.start(3);
    cluster.kill(1);
    const client = cluster.client();
    const written = client.execute(put('a'));
    await cluster.clock.runUntil(() => cluster.node(2).maps + cluster.node(3).maps > 0, 1000);
    cluster.lead(0, 2);
    await cluster.clock.settle(written);
    expect(cluster.applied).toEqual(['a']);
    await client.close();
  });

  it('gives up at the deadline when there is no majority: not applied', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    cluster.kill(1);
    cluster.lead(0, 0);
    await cluster.clock.run(1);
    const started = cluster.clock.monotonicMs();
    const error = await cluster.clock.failure(client.execute(put('a', { deadlineMs: 700 })));
    expect(cluster.clock.monotonicMs() - started).toBeLessThan(720);
    expect(error).toMatchObject({ code: 'HF_DEADLINE_EXCEEDED', outcome: 'not_applied' });
    await client.close();
  });
});

describe('a silent peer', () => {
  it('is noticed by ping; the write is unknown, the read is answered by the next leader', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    await cluster.clock.settle(client.execute(put('a')));
    cluster.network.silence(cluster.node(1).address);
    cluster.lead(0, 2);
    const started = cluster.clock.monotonicMs();
    const write = client.execute(put('b'));
    write.catch(() => undefined);
    const read = await cluster.clock.settle(client.execute(get('a')));
    expect(read.found).toBe(true);
    expect(cluster.clock.monotonicMs() - started).toBeLessThan(1500);
    expect(await cluster.clock.failure(write)).toMatchObject({
      code: 'HF_CONNECTION_LOST',
      outcome: 'unknown',
    });
    expect(cluster.applied).toEqual(['a']);
    await client.close();
  });

  it('that answers pings but not the request: unknown at the deadline', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    cluster.node(1).script = () => true;
    const [write, read] = [client.execute(put('a')), client.execute(get('a'))];
    read.catch(() => undefined);
    expect(await cluster.clock.failure(write)).toMatchObject({ code: 'HF_TIMEOUT', outcome: 'unknown' });
    expect(await cluster.clock.failure(read)).toMatchObject({ code: 'HF_TIMEOUT', outcome: 'not_applied' });
    expect(cluster.node(1).pings).toBeGreaterThan(0);
    expect(client.pendingOps).toBe(0);
    await client.close();
  });
});

describe('refusals', () => {
  it('waits as long as an overloaded node asks', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    let refusals = 0;
    cluster.node(1).script = ({ send, requestId }) => {
      if (refusals++ >= 2) return false;
      send(answer((out) => out.refused(0, 'HF_OVERLOADED', { retryAfterMs: 50 }), requestId));
      return true;
    };
    const started = cluster.clock.monotonicMs();
    await cluster.clock.settle(client.execute(put('a')));
    expect(cluster.clock.monotonicMs() - started).toBeGreaterThanOrEqual(100);
    expect(cluster.applied).toEqual(['a']);
    await client.close();
  });

  it('tells the caller when the wait would outlive the deadline', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    cluster.node(1).script = ({ send, requestId }) => {
      send(
        encodeError(
          pureKernels,
          PROTOCOL_VERSION_MAX,
          requestId,
          new HoldfastError('HF_OVERLOADED', { retryAfterMs: 9000 }),
        ),
      );
      return true;
    };
    const error = await cluster.clock.failure(client.execute(put('a')));
    expect(error).toMatchObject({ code: 'HF_OVERLOADED', outcome: 'not_applied', retryAfterMs: 9000 });
    await client.close();
  });

  it('does not send a plain write again after an unknown outcome', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    cluster.node(1).script = ({ send, requestId }) => {
      send(answer((out) => out.refused(0, 'HF_TIMEOUT'), requestId));
      return true;
    };
    const error = await cluster.clock.failure(client.execute(put('a')));
    expect(error).toMatchObject({ code: 'HF_TIMEOUT', outcome: 'unknown' });
    expect(cluster.node(1).ops).toBe(1);
    await client.close();
  });

  it('stops retrying when the budget is spent', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    cluster.node(1).script = ({ send, requestId, reader }) => {
      const refuse = (out: DataResponseBuilder): void => {
        for (let i = 0; i < reader.count; i++) out.refused(i, 'HF_OVERLOADED');
      };
      send(answer(refuse, requestId));
      return true;
    };
    const all = Promise.allSettled(Array.from({ length: 2000 }, (_, i) => client.execute(put(`k${i}`))));
    await cluster.clock.settle(all);
    expect(cluster.node(1).ops).toBeLessThan(2000 + 300);
    await client.close();
  });

  it('leaves a node that goes away, without losing what it has', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    let late: (() => void) | undefined;
    cluster.node(1).script = ({ send, requestId }) => {
      late = () => send(answer((out) => out.written(0, 55), requestId));
      return true;
    };
    const first = client.execute(put('a'));
    await cluster.clock.run(2);
    cluster.node(1).broadcast(
      encodeGoAway(pureKernels, PROTOCOL_VERSION_MAX, {
        reason: 'HF_UNAVAILABLE',
        drainMs: 1000,
        detail: '',
      }),
    );
    await cluster.clock.run(2);
    cluster.lead(0, 2);
    await cluster.clock.settle(client.execute(put('b')));
    expect(cluster.node(2).ops).toBe(1);
    late?.();
    expect((await cluster.clock.settle(first)).revision).toBe(55);
    await client.close();
  });
});

describe('answers', () => {
  it('may come in several frames and any order', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    cluster.node(1).script = ({ send, requestId }) => {
      send(answer((out) => out.written(2, 12), requestId, true));
      cluster.clock.schedule(20, () => {
        const rest = (out: DataResponseBuilder): void => {
          out.written(1, 11);
          out.written(0, 10);
        };
        send(answer(rest, requestId));
      });
      return true;
    };
    const order: number[] = [];
    const writes = ['a', 'b', 'c'].map(async (key) => order.push((await client.execute(put(key))).revision));
    await cluster.clock.settle(Promise.all(writes));
    expect(order).toEqual([12, 11, 10]);
    await client.close();
  });

  it('that leave an operation out end the connection: the write is unknown', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    cluster.node(1).script = ({ send, requestId }) => {
      send(answer((out) => out.written(0, 10), requestId));
      return true;
    };
    const [first, second] = [client.execute(put('a')), client.execute(put('b'))];
    second.catch(() => undefined);
    expect((await cluster.clock.settle(first)).revision).toBe(10);
    expect(await cluster.clock.failure(second)).toMatchObject({ outcome: 'unknown' });
    await client.close();
  });

  it('of garbage end the connection; reads go on over the next one', async () => {
    const cluster = await FakeCluster.start(1);
    const violations: string[] = [];
    const client = await cluster.readyClient({
      observer: { disconnected: (_address, _node, reason) => violations.push(reason.code) },
    });
    let garbage = 3;
    cluster.node(1).script = ({ send }) => {
      if (garbage-- <= 0) return false;
      send(Uint8Array.from({ length: 200 }, (_, i) => (i * 37) & 0xff));
      return true;
    };
    const read = await cluster.clock.settle(client.execute(get('a')));
    expect(read.found).toBe(false);
    expect(violations).toEqual(['HF_PROTOCOL', 'HF_PROTOCOL', 'HF_PROTOCOL']);
    await client.close();
  });

  it('arrive split at every byte', async () => {
    const cluster = await FakeCluster.start(1);
    cluster.network.chunkBytesMax = 1;
    const client = await cluster.readyClient();
    await cluster.clock.settle(client.execute(put('a')));
    expect((await cluster.clock.settle(client.execute(get('a')))).value).toEqual(utf8('value of a'));
    await client.close();
  });
});

describe('weak reads', () => {
  it('go to any replica and say what they were given', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    await cluster.clock.settle(client.execute(put('a')));
    for (let i = 0; i < 9; i++) {
      const read = await cluster.clock.settle(
        client.execute(get('a', { consistency: Consistency.eventual })),
      );
      expect(read).toMatchObject({ found: true, servedLevel: Consistency.eventual, stalenessMs: 5 });
    }
    expect([2, 3].map((id) => cluster.node(id).ops)).toEqual([3, 3]);
    await client.close();
  });

  it('go on without a leader', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    cluster.lead(0, 0);
    cluster.kill(1);
    cluster.kill(2);
    const read = await cluster.clock.settle(
      client.execute(get('a', { consistency: Consistency.bounded, maxStalenessMs: 50 })),
    );
    expect(read.servedLevel).toBe(Consistency.bounded);
    await client.close();
  });

  it('of several levels in one turn leave in one frame each', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    const levels = [Consistency.strong, Consistency.eventual, Consistency.strong, Consistency.eventual];
    await cluster.clock.settle(
      Promise.all(levels.map((consistency) => client.execute(get('a', { consistency })))),
    );
    expect(cluster.node(1).requests).toBe(2);
    await client.close();
  });
});
