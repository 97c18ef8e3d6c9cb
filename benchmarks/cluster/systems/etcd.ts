import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadTarget } from '../load/protocol.ts';
import { type WorkloadName, WORKLOAD_NAMES } from '../workloads.ts';
import { type Child, freePorts, startChild, waitUntil } from './child.ts';
import { findBinary } from './find-binary.ts';
import type { RunningSystem, StartOptions, System } from './system.ts';

const SERVERS = 3;
/** Connections per server over which logical clients share their calls: what etcd did best with. */
const CONNECTIONS = 8;

const findEtcd = (): string | undefined => findBinary(['etcd'], 'ETCD_BIN');

interface Status {
  readonly header: { readonly member_id: string };
  readonly leader: string;
}

/** Three servers with their defaults; the load goes to the leader, which is what etcd does best with. */
export const etcd: System = etcdOver('etcd', 'gRPC to the leader', WORKLOAD_NAMES, (addresses) => ({
  kind: 'etcd',
  addresses: addresses.slice(0, 1),
  connections: CONNECTIONS,
}));

/** The same with the load spread over all servers: for failover, and for stale reads. */
export const etcdSpread: System = etcdOver(
  'etcd-spread',
  'gRPC to all three servers',
  ['get', 'stale', 'put'],
  (addresses) => ({ kind: 'etcd', addresses, connections: CONNECTIONS }),
);

/** The same behind etcd's own HTTP/JSON gateway. */
export const etcdHttp: System = etcdOver(
  'etcd-http',
  'HTTP/1.1 and JSON to the leader, a connection per client',
  ['put', 'get', 'stale', 'mixed'],
  (addresses) => ({ kind: 'etcd-http', address: addresses[0] }),
);

/** @param target is told the addresses with the leader's first. */
function etcdOver(
  name: string,
  transport: string,
  workloads: readonly WorkloadName[],
  target: (addresses: readonly string[]) => LoadTarget,
): System {
  return {
    name,
    about: `three etcd servers with default settings, each write synced on a majority; ${transport}`,
    replicas: SERVERS,
    workloads,
    missing: () => (findEtcd() === undefined ? 'no etcd on PATH, and no ETCD_BIN' : undefined),
    start: (options) => startEtcd(options, target),
  };
}

async function startEtcd(
  options: StartOptions,
  target: (addresses: readonly string[]) => LoadTarget,
): Promise<RunningSystem> {
  mkdirSync(options.directory, { recursive: true });
  const ports = await freePorts(2 * SERVERS);
  const url = (port: number): string => `http://127.0.0.1:${port}`;
  const clientUrls = ports.slice(0, SERVERS).map(url);
  const peerUrls = ports.slice(SERVERS).map(url);
  const start = (i: number): Child =>
    startChild({
      name: `etcd-${i + 1}`,
      command: findEtcd()!,
      args: [
        '--name',
        `etcd-${i + 1}`,
        '--data-dir',
        join(options.directory, `etcd-${i + 1}`),
        '--listen-client-urls',
        clientUrls[i],
        '--advertise-client-urls',
        clientUrls[i],
        '--listen-peer-urls',
        peerUrls[i],
        '--initial-advertise-peer-urls',
        peerUrls[i],
        '--initial-cluster',
        peerUrls.map((peer, j) => `etcd-${j + 1}=${peer}`).join(','),
        '--initial-cluster-token',
        'bench',
        '--initial-cluster-state',
        'new',
        '--log-level',
        'error',
        '--logger',
        'zap',
      ],
      logFile: join(options.directory, `etcd-${i + 1}.log`),
    });
  const children = clientUrls.map((_, i) => start(i));
  const status = async (i: number): Promise<Status> => {
    const answer = await fetch(`${clientUrls[i]}/v3/maintenance/status`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(1000),
    });
    return (await answer.json()) as Status;
  };
  const leaderIndex = async (): Promise<number> => {
    const statuses = await Promise.all(clientUrls.map((_, i) => status(i)));
    const [first] = statuses;
    const agreed = first !== undefined && statuses.every(({ leader }) => leader === first.leader);
    return agreed ? statuses.findIndex(({ header, leader }) => header.member_id === leader) : -1;
  };
  const ready = (): Promise<void> => waitUntil('etcd', children, async () => (await leaderIndex()) >= 0);
  await ready();
  const first = await leaderIndex();
  const addresses = clientUrls.map((clientUrl) => clientUrl.slice('http://'.length));
  return {
    children,
    target: target([addresses[first], ...addresses.filter((_, i) => i !== first)]),
    async leader() {
      return children[await leaderIndex()];
    },
    async restart(child) {
      const i = children.indexOf(child);
      children[i] = start(i);
      await ready();
    },
    async stop() {
      await Promise.all(children.map((child) => child.stop()));
    },
  };
}
