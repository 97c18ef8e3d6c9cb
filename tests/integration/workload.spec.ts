import { HoldfastError } from '@holdfast/wire';
import { problemOf } from '@holdfast/service';
import { expect, it } from 'vitest';
import { until } from '../../scripts/cluster/deadline.ts';
import type { Answer } from './http.ts';
import { type KeyHttp, Workload } from './workload.ts';

type Put = (store: Map<string, string>, key: string, value: string, count: number) => HoldfastError | number;

/** A store in memory that does with a write what the test wants: a revision, or a refusal. */
function fakeHttp(put: Put): KeyHttp {
  const store = new Map<string, string>();
  let count = 0;
  const answer = (status: number, body: string, revision = 0): Promise<Answer> =>
    new Promise((resolve) => {
      setImmediate(() =>
        resolve({
          status,
          headers: { 'holdfast-revision': String(revision) },
          body: Buffer.from(body),
          get problem() {
            return JSON.parse(body) as Answer['problem'];
          },
        }),
      );
    });
  return {
    get: (key) => answer(store.has(key) ? 200 : 404, store.get(key) ?? ''),
    put(key, body) {
      const result = put(store, key, String(body), ++count);
      if (typeof result === 'number') return answer(200, '', result);
      return answer(result.info.status, JSON.stringify(problemOf(result, '')));
    },
  };
}

async function violationsOf(put: Put): Promise<readonly string[]> {
  const workload = new Workload(fakeHttp(put), 'test').start();
  await until('some writes', 5000, () => workload.acknowledged > 300);
  await workload.stop();
  await workload.verify();
  return workload.violations;
}

it('finds nothing wrong with a store that does what it says', async () => {
  const honest: Put = (store, key, value, count) => {
    if (count % 5 === 0) return new HoldfastError('HF_NO_QUORUM');
    if (count % 7 === 0) return new HoldfastError('HF_TIMEOUT');
    store.set(key, value);
    return count % 11 === 0 ? new HoldfastError('HF_TIMEOUT') : count;
  };
  expect(await violationsOf(honest)).toEqual([]);
});

it.each<[string, Put, string]>([
  [
    'acknowledges what it loses',
    (store, key, value, count) => {
      if (count % 50 !== 0) store.set(key, value);
      return count;
    },
    'was acknowledged',
  ],
  [
    'does what it says it did not do',
    (store, key, value, count) => {
      store.set(key, value);
      return count % 50 === 0 ? new HoldfastError('HF_NO_QUORUM') : count;
    },
    'was told not to be applied',
  ],
  [
    'makes values up',
    (store, key, value, count) => {
      store.set(key, count % 50 === 0 ? '999999' : value);
      return count;
    },
    'was never written',
  ],
  [
    'lets revisions go back',
    (store, key, value, count) => {
      store.set(key, value);
      return 1_000_000 - count;
    },
    'revision',
  ],
])('convicts a store that %s', async (_, put, violation) => {
  expect((await violationsOf(put)).join('\n')).toContain(violation);
});
