import { etcd, etcdHttp, etcdSpread } from './etcd.ts';
import { holdfastHttp } from './holdfast-http.ts';
import { holdfast, holdfastNest } from './holdfast.ts';
import { nats } from './nats.ts';
import { redis, redisShared } from './redis.ts';
import type { System } from './system.ts';

/** Everything that can be measured side by side. */
export const SYSTEMS: readonly System[] = [
  holdfast,
  etcd,
  holdfastNest,
  holdfastHttp,
  etcdHttp,
  etcdSpread,
  nats,
  redis,
  redisShared,
];

/** What is measured against what: the ratios that are printed. */
export const COMPARISONS: readonly { readonly ours: string; readonly peer: string }[] = [
  { ours: 'holdfast', peer: 'etcd' },
  { ours: 'holdfast', peer: 'etcd-spread' },
  { ours: 'holdfast-nest', peer: 'holdfast' },
  { ours: 'holdfast-nest', peer: 'etcd' },
  { ours: 'holdfast-http', peer: 'etcd-http' },
  { ours: 'holdfast', peer: 'nats' },
  { ours: 'holdfast', peer: 'redis' },
  { ours: 'holdfast', peer: 'redis-shared' },
];
