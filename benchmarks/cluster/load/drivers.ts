import { EtcdDriver } from './etcd-driver.ts';
import type { Driver } from './driver.ts';
import { HoldfastDriver } from './holdfast-driver.ts';
import { EtcdHttpDriver, HoldfastHttpDriver } from './http-drivers.ts';
import type { Keys } from './keys.ts';
import { NatsDriver } from './nats-driver.ts';
import type { LoadTarget } from './protocol.ts';
import { RedisDriver } from './redis-driver.ts';
import { ReferenceDriver } from './reference-driver.ts';

export function makeDriver(target: LoadTarget, keys: Keys): Driver {
  switch (target.kind) {
    case 'holdfast':
      return new HoldfastDriver(target.addresses, keys);
    case 'holdfast-http':
      return new HoldfastHttpDriver(target.address, keys);
    case 'etcd':
      return new EtcdDriver(target.addresses, target.connections, keys);
    case 'etcd-http':
      return new EtcdHttpDriver(target.address, keys);
    case 'redis':
      return new RedisDriver(target.address, target.shared, keys);
    case 'nats':
      return new NatsDriver(target.addresses, keys);
    case 'reference':
      return new ReferenceDriver(target.address, keys);
  }
}
