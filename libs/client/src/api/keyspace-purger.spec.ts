import { type Cancel, type Clock, Prng } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import { expect, it } from 'vitest';
import { KeyspacePurger, PURGE_LOOK_MS } from './keyspace-purger.ts';
import type { KeyspaceInfo } from './keyspaces.ts';

/** Keyspaces by their state, and the one wait of the purger. */
class World {
  readonly states = new Map<string, KeyspaceInfo['state']>();
  readonly calls: string[] = [];
  failure: HoldfastError | undefined;
  wait: { readonly ms: number; readonly end: () => void } | undefined;
  readonly clock = {
    schedule: (ms: number, end: () => void): Cancel => {
      const wait = { ms, end };
      this.wait = wait;
      return () => {
        if (this.wait === wait) this.wait = undefined;
      };
    },
  } as Clock;
  readonly keyspaces = {
    list: (): Promise<readonly KeyspaceInfo[]> =>
      Promise.resolve([...this.states].map(([name, state]) => ({ name, state }) as KeyspaceInfo)),
    purge: (name: string): Promise<number> => {
      this.calls.push(name);
      if (this.failure !== undefined) return Promise.reject(this.failure);
      this.states.delete(name);
      return Promise.resolve(7);
    },
  };

  purger(options: { failed?: (error: HoldfastError) => void } = {}): KeyspacePurger {
    const { keyspaces, clock } = this;
    return new KeyspacePurger({ keyspaces, clock, random: new Prng(1), ...options });
  }

  /** Ends the wait, and lets what follows happen; how long it was, in milliseconds. */
  async elapse(): Promise<number> {
    const { wait } = this;
    if (wait === undefined) throw new Error('nothing is waited for');
    this.wait = undefined;
    wait.end();
    await new Promise(setImmediate);
    return wait.ms;
  }
}

it('removes what others have left, and looks again within a minute', async () => {
  const world = new World();
  world.states.set('kept', 'active').set('doomed', 'deleting');
  world.purger();
  expect(await world.elapse()).toBeLessThanOrEqual(1000);
  expect(world.calls).toEqual(['doomed']);
  expect([...world.states.keys()]).toEqual(['kept']);
  expect(await world.elapse()).toBeLessThanOrEqual(PURGE_LOOK_MS);
  expect(world.calls).toEqual(['doomed']);
});

it('works at once when it is woken, also in the middle of its work', async () => {
  const world = new World();
  const purger = world.purger();
  world.states.set('first', 'deleting');
  purger.wake();
  expect(world.wait?.ms).toBe(0);
  const { wait } = world;
  wait?.end();
  purger.wake();
  await new Promise(setImmediate);
  world.states.set('second', 'deleting');
  expect(await world.elapse()).toBe(0);
  expect(world.calls).toEqual(['first', 'second']);
});

it('tries again after a failure, later each time', async () => {
  const world = new World();
  const seen: string[] = [];
  world.states.set('doomed', 'deleting');
  world.failure = new HoldfastError('HF_UNAVAILABLE');
  world.purger({ failed: ({ code }) => seen.push(code) });
  const waits: number[] = [];
  for (let i = 0; i < 12; i++) waits.push(await world.elapse());
  expect(seen).toEqual(Array.from({ length: 12 }, () => 'HF_UNAVAILABLE'));
  expect(waits.at(-1)).toBeGreaterThan(PURGE_LOOK_MS / 3);
  expect(Math.max(...waits)).toBeLessThanOrEqual(PURGE_LOOK_MS);
  world.failure = undefined;
  await world.elapse();
  expect(world.states.size).toBe(0);
});

it('begins nothing once it is closed', async () => {
  const world = new World();
  world.states.set('doomed', 'deleting');
  const purger = world.purger();
  purger.close();
  purger.wake();
  expect(world.wait).toBeUndefined();
  await new Promise(setImmediate);
  expect(world.calls).toEqual([]);
});
