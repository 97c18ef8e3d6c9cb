/**
 * A plain script that works with a cluster through the blocking client, for specs that run it as a process of its own:
 * the nodes live in the spec's process, which must not sleep. Prints what it saw as JSON.
 *
 * `node --conditions=source blocking-script.ts <target> <part>`
 */
import { argv, stdout } from 'node:process';
import { bytes, HoldfastError } from '@holdfast/client';
import { connectSync } from '@holdfast/client/sync';

const [target = '', part = ''] = argv.slice(2);

function failureOf(action: () => unknown): unknown {
  const startedMs = performance.now();
  try {
    action();
    return 'no failure';
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const { code, outcome, revision } = error;
    return { code, outcome, revision, tookMs: performance.now() - startedMs };
  }
}

function everything(): unknown {
  using db = connectSync(target, { agent: 'blocking-script' });
  const users = db.keyspace<{ n: number }>('users');
  const written = users.set('a', { n: 1 });
  const item = users.get('a');
  const swapped = users.compareAndSet('a', { n: 2 }, { ifRevision: written.revision });
  const refused = users.compareAndSet('a', { n: 3 }, { ifRevision: written.revision });
  const absent = users.get('nothing');
  for (let i = 0; i < 25; i++) users.set(`row${String(i).padStart(2, '0')}`, { n: i });
  const blobs = users.with(bytes);
  blobs.set('z', Uint8Array.of(0, 255));
  const first = users.scanPage({ prefix: 'row', limit: 3 }).map(({ key }) => key);
  const forward = [...users.scan({ prefix: 'row', pageSize: 4 })].map(({ value }) => value.n);
  const keys = [...users.scan({ prefix: 'row', pageSize: 4, keysOnly: true })].map(({ key, value }) => [
    key,
    value,
  ]);
  const backward = [...users.scan({ prefix: 'row', pageSize: 7, reverse: true, limit: 20 })].map(
    ({ value }) => value.n,
  );
  users.delete('a');
  const counted = [users.increment('visits'), users.increment('visits', 4)].map(({ value }) => value);
  return {
    counted,
    item,
    swapped: swapped.swapped,
    refused,
    absent: absent === undefined,
    blob: [...(blobs.get('z')?.value ?? [])],
    first,
    forward,
    keys: keys.map(([key]) => key),
    valueless: keys.every(([, value]) => value === undefined),
    backward,
    deleted: users.get('a') === undefined,
    wrongDelete: failureOf(() => users.delete('row00', { ifRevision: 1 })),
    nobody: failureOf(() => db.keyspace('nobody').get('a')),
    lone: failureOf(() => users.get('\ud800')),
  };
}

function deadlines(): unknown {
  using db = connectSync(target, { deadlineMs: 300 });
  const users = db.keyspace<number>('users');
  users.set('a', 1);
  return {
    silentWrite: failureOf(() => users.set('silent', 1)),
    silentRead: failureOf(() => users.get('silent', { deadlineMs: 100 })),
    after: users.get('a')?.value,
    closed: failureOf(() => {
      db.close();
      users.get('a');
    }),
  };
}

const parts: Readonly<Record<string, () => unknown>> = {
  everything,
  deadlines,
  unreachable: () => failureOf(() => connectSync(target, { deadlineMs: 200 })),
  speed() {
    using db = connectSync(target);
    const users = db.keyspace<number>('users');
    users.set('a', 1);
    const startedMs = performance.now();
    const calls = 500;
    for (let i = 0; i < calls; i++) users.get('a');
    return { microsecondsPerGet: (1000 * (performance.now() - startedMs)) / calls };
  },
  /** Ends without saying goodbye. */
  leave() {
    connectSync(target).keyspace<number>('users').set('a', 1);
    return 'left';
  },
};
stdout.write(`${JSON.stringify(parts[part]?.())}\n`);
