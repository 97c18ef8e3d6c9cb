import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { PATIENCE_MS, TestCluster } from './cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start();
}, 2 * PATIENCE_MS);
afterAll(() => cluster[Symbol.asyncDispose]());

/** The range of the keys that begin with `a`. */
const RANGE = 2;
const DEADLINE_MS = 1000;
/** A deadline is kept up to the time that an answer takes on a busy machine. */
const TOLERANCE_MS = 4000;

it('without a quorum: 503 with an honest outcome in time, eventual reads go on, and all is well afterwards', async () => {
  onTestFailed(() => console.log(cluster.log));
  const { http } = cluster;
  const survivor = await cluster.leaderOf(RANGE);
  await http.put('a/stays', 'before');
  const others = cluster.nodes.filter((name) => name !== survivor);
  await Promise.all(others.map((name) => cluster.end(name, 'SIGKILL')));

  const attempts: { readonly key: string; readonly outcome: string }[] = [];
  for (let i = 0; i < 4; i++) {
    const key = `a/attempt-${i}`;
    const startedMs = performance.now();
    const answer = await http.put(key, 'x', { 'holdfast-deadline-ms': String(DEADLINE_MS) });
    expect(performance.now() - startedMs).toBeLessThan(DEADLINE_MS + TOLERANCE_MS);
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.problem).toMatchObject({ status: 503, retryable: true });
    attempts.push({ key, outcome: answer.problem.outcome });
  }
  // The first one was proposed by a leader that did not know yet; who has lost its quorum proposes nothing.
  expect(attempts[0]?.outcome).toBe('unknown');
  expect(attempts.at(-1)?.outcome).toBe('not_applied');

  const strong = await http.request('GET', '/v1/keyspaces/default/keys/a%2Fstays', {
    headers: { 'holdfast-deadline-ms': String(DEADLINE_MS) },
  });
  expect(strong.status).toBe(503);
  expect(strong.problem.outcome).toBe('not_applied');
  const eventual = await http.get('a/stays', '?consistency=eventual');
  expect(eventual.status).toBe(200);
  expect(eventual.body.toString()).toBe('before');
  expect(eventual.headers['holdfast-consistency']).toMatch(
    /^asked=eventual, served=eventual, staleness-ms=unknown, role=follower$/,
  );
  expect((await http.request('GET', '/readyz')).status).toBe(503);
  expect((await http.request('GET', '/healthz')).status).toBe(200);

  await cluster.restart(...others);
  for (const { key, outcome } of attempts) {
    const { status } = await http.get(key);
    if (outcome === 'not_applied') expect(status).toBe(404);
    else expect([200, 404]).toContain(status);
  }
  expect((await http.get('a/stays')).body.toString()).toBe('before');
  expect((await http.put('a/attempt-0', 'again')).status).toBe(200);
});
