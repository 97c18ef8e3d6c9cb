import { createHash } from 'node:crypto';
import { bytes, Client } from '@holdfast/client';
import { type Address, type Connection, type Listener, type Network, Prng } from '@holdfast/io';
import { FileDisk, nodeKernels, SystemClock, TcpNetwork } from '@holdfast/io-node';
import { verifyDirectory } from '@holdfast/lsm';
import type { ChaosCluster, ChaosNode } from '../cluster/chaos-cluster.ts';
import { until } from '../deadline.ts';

const SCAN_MS = 10_000;

/** Reaches one node and nobody else. */
class OneNodeNetwork implements Network {
  readonly #inner = new TcpNetwork();
  readonly #only: Address;

  constructor(only: Address) {
    this.#only = only;
  }

  listen(): Promise<Listener> {
    return Promise.reject(new Error('a client does not listen'));
  }

  connect(address: Address): Connection {
    return this.#inner.connect(address === this.#only ? address : 'nowhere');
  }
}

/** A client that knows one node only; its weak reads show what that replica holds. */
export async function clientOfOne({ proxy, id }: ChaosNode, clusterId: string): Promise<Client> {
  const client = new Client({
    network: new OneNodeNetwork(proxy.address),
    clock: new SystemClock(),
    random: new Prng(id),
    kernels: nodeKernels,
    seeds: [proxy.address],
    clusterId,
    agent: 'holdfast-chaos-replica',
  });
  await client.ready();
  return client;
}

/**
 * After a heal, when nobody writes: every replica reaches the same index, and all hold the same.
 *
 * @throws DeadlineError when one does not catch up; Error when they differ.
 */
export async function demandEqualReplicas({ nodes, clusterId }: ChaosCluster, ms: number): Promise<number> {
  await until('all replicas reach the same index', ms, async () => {
    const states = await Promise.all(nodes.map((node) => node.status()));
    const progress = new Set(
      states.map(({ ranges }) =>
        ranges.map(({ id, last, commit, applied }) => `${id}: ${last}/${commit}/${applied}`).join(', '),
      ),
    );
    if (progress.size > 1) throw new Error(`last/commit/applied by range: ${[...progress].join(' and ')}`);
    return true;
  });
  const digests = new Map<string, number>();
  let rows = 0;
  for (const node of nodes) {
    const { digest, count } = await digestOf(node, clusterId);
    rows = count;
    digests.set(`${count} keys, digest ${digest}`, node.id);
  }
  if (digests.size > 1) {
    throw new Error(
      `replicas differ: ${[...digests].map(([digest, id]) => `node ${id}: ${digest}`).join('; ')}`,
    );
  }
  return rows;
}

async function digestOf(
  node: ChaosNode,
  clusterId: string,
): Promise<{ readonly digest: string; readonly count: number }> {
  const client = await clientOfOne(node, clusterId);
  try {
    const hash = createHash('sha256');
    let count = 0;
    const rows = client.keyspace('default', bytes).scan({ consistency: 'eventual', deadlineMs: SCAN_MS });
    for await (const { keyBytes, value, revision } of rows) {
      hash.update(`${keyBytes.length},${value.length},${revision};`).update(keyBytes).update(value);
      count++;
    }
    return { digest: hash.digest('hex').slice(0, 16), count };
  } finally {
    await client.close();
  }
}

/** Every table of a node that has stopped is whole. @throws Error with the first fault. */
export async function demandWholeTables({ id, dataDirectory }: ChaosNode): Promise<void> {
  const report = await verifyDirectory(
    { disk: new FileDisk(), kernels: nodeKernels },
    `${dataDirectory}/tree`,
  );
  const [fault] = report.faults;
  if (fault !== undefined) throw new Error(`node ${id}: ${fault.path}: ${fault.detail}`);
}
