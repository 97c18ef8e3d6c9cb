import { type Client, text } from '@holdfast/client';
import { until } from '../deadline.ts';
import { appendKeys, marksOf } from '../workloads/append-worker.ts';
import { registerKeys } from '../workloads/register-worker.ts';
import { listSet, setPrefixes, WrongValue } from '../workloads/set-worker.ts';
import type { Histories } from '../workloads/workload.ts';

const DEADLINE_MS = 2_000;
/** For one key or set, with all repetitions. */
const READ_MS_MAX = 20_000;
/** Names the reader in the history: no worker has this id, whatever it was renamed to. */
const READER = -1;

/** What the keys hold after the end. */
export interface FinalState {
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly sets: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads every key of a run, strongly. Reads of registers join their history: what they show must follow from it.
 *
 * @throws DeadlineError when a read does not succeed in a healed cluster; WrongValue.
 */
export async function readBack(client: Client, epochs: number, { register }: Histories): Promise<FinalState> {
  const keyspace = client.keyspace('default', text);
  const lists = new Map<string, readonly string[]>();
  const sets = new Map<string, readonly string[]>();
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const key of registerKeys(epoch)) {
      await until(`${key} is read`, READ_MS_MAX, async () => {
        const recorded = register.invoke(READER, key, { kind: 'get' });
        try {
          const item = await keyspace.get(key, { deadlineMs: DEADLINE_MS });
          register.ok(recorded, { kind: 'value', value: item?.value, revision: item?.revision ?? 0 });
          return true;
        } catch (error) {
          register.fail(recorded);
          throw error;
        }
      });
    }
    for (const key of appendKeys(epoch)) {
      const read = async (): Promise<readonly string[]> =>
        marksOf((await keyspace.get(key, { deadlineMs: DEADLINE_MS }))?.value);
      lists.set(key, await until(`${key} is read`, READ_MS_MAX, read));
    }
    for (const prefix of setPrefixes(epoch)) {
      const list = async (): Promise<readonly string[] | WrongValue> => {
        try {
          return await listSet(keyspace, prefix, DEADLINE_MS);
        } catch (error) {
          if (error instanceof WrongValue) return error;
          throw error;
        }
      };
      const keys = await until(`${prefix} is listed`, READ_MS_MAX, list);
      if (keys instanceof WrongValue) throw keys;
      sets.set(prefix, keys);
    }
  }
  return { lists, sets };
}
