/** Does one of everything with the built SDK: `node smoke/smoke.ts <url of a gateway> [token]`. */
import { deepStrictEqual, ok } from 'node:assert';
import {
  createClient,
  createConfig,
  deleteKey,
  executeBatch,
  getKey,
  incrementKey,
  listKeys,
  putKey,
} from '@holdfast/sdk';

const [, , baseUrl, token = ''] = process.argv;
const client = createClient(createConfig({ baseUrl, auth: () => token }));
const path = { keyspace: 'default', key: 'sdk/ü?#%/../x' };

const written = await putKey({ client, path, body: { name: 'Ada' } });
ok(written.data !== undefined && written.data.revision > 0, JSON.stringify(written.error));
const read = await getKey({ client, path });
deepStrictEqual(read.data, { name: 'Ada' });

const refused = await putKey({ client, path, body: {}, headers: { 'If-None-Match': '*' } });
deepStrictEqual(
  [refused.error?.code, refused.error?.outcome, refused.error?.revision],
  ['HF_PRECONDITION_FAILED', 'not_applied', written.data.revision],
);

const counter = { keyspace: 'default', key: 'sdk/hits' };
await deleteKey({ client, path: counter });
const counted = await incrementKey({ client, path: counter, body: { delta: 3 } });
deepStrictEqual(counted.data?.value, 3);

const page = await listKeys({ client, path, query: { prefix: 'sdk/', limit: 10 } });
deepStrictEqual(
  page.data?.rows?.map(({ key, value }) => [key, value]),
  [
    ['sdk/hits', 3],
    [path.key, { name: 'Ada' }],
  ],
);
const batch = await executeBatch({
  client,
  body: {
    operations: [
      { op: 'get', key: counter.key },
      { op: 'delete', key: path.key },
    ],
  },
});
deepStrictEqual(
  batch.data?.results.map(({ status }) => status),
  [200, 200],
);
const gone = await getKey({ client, path });
deepStrictEqual([gone.error?.code, gone.error?.status], ['HF_KEY_NOT_FOUND', 404]);
console.log('every call did what it says');
