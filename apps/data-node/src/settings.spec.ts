import { expect, it } from 'vitest';
import { settingsSchema } from './settings.ts';

const valid = {
  nodeId: '2',
  clusterId: 'a'.repeat(32),
  members: '1=127.0.0.1:7711,2=127.0.0.1:7712',
  dataDirectory: '/data',
};

it('takes what a node needs, and fills in the rest', () => {
  expect(settingsSchema.parse(valid)).toEqual({
    nodeId: 2,
    clusterId: 'a'.repeat(32),
    members: [
      { id: 1, value: '127.0.0.1:7711' },
      { id: 2, value: '127.0.0.1:7712' },
    ],
    dataDirectory: '/data',
    httpHost: '127.0.0.1',
    httpPort: 7721,
    drainMs: 3000,
    join: false,
    leaders: 'together',
    compression: ['none'],
    compactionBytesPerSecond: 0,
    diskReserveBytes: 33_554_432,
    logLevel: 'info',
  });
});

it('reads compression level by level', () => {
  const { compression } = settingsSchema.parse({ ...valid, compression: 'none, lz4,zstd' });
  expect(compression).toEqual(['none', 'lz4', 'zstd']);
});

it('takes a node that joins and is not among those it asks', () => {
  const joining = { ...valid, nodeId: '3', join: 'true', address: '127.0.0.1:7713' };
  expect(settingsSchema.parse(joining)).toMatchObject({ join: true, address: '127.0.0.1:7713' });
});

it.each([
  ['a compression that does not exist', { compression: 'none,gzip' }],
  ['a negative rate', { compactionBytesPerSecond: '-1' }],
  ['an id that is not among the members', { nodeId: '3' }],
  ['a node that joins and has no address', { nodeId: '3', join: 'true' }],
  ['the same id twice', { members: '2=127.0.0.1:1,2=127.0.0.1:2' }],
  ['a short cluster id', { clusterId: 'abc' }],
  ['no members', { members: '' }],
  ['node id 0', { nodeId: '0' }],
])('refuses %s', (_, change) => {
  expect(settingsSchema.safeParse({ ...valid, ...change }).success).toBe(false);
});
