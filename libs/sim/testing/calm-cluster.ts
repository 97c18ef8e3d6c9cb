import { Client, type ClientObserver } from '@holdfast/client';
import { Coverage } from '../src/checkers/violation.ts';
import { settled } from '../src/cluster/final-state.ts';
import { CLUSTER_ID, StoreCluster, type StoreClusterOptions } from '../src/cluster/store-cluster.ts';
import { Scheduler } from '../src/world/scheduler.ts';

/** A quick network, and clocks that agree. */
const CALM: StoreClusterOptions = {
  seed: 1,
  nodes: 3,
  latency: { minMs: 0.1, meanMs: 0.5, spikes: 0, bandwidth: 100_000 },
  turnUs: 50,
  driftMax: 0,
  skewMsMax: 0,
  settings: {},
  canary: undefined,
};
const PATIENCE_MS = 30_000;

/** Real nodes on simulated machines to which nothing happens but what the test does. */
export class CalmCluster {
  readonly scheduler = new Scheduler();
  readonly coverage = new Coverage();
  readonly cluster: StoreCluster;

  /** @param different from a calm cluster of three nodes */
  constructor(different: Partial<StoreClusterOptions> = {}) {
    const report = (violation: Error): void => this.scheduler.fail(violation);
    this.cluster = new StoreCluster(this.scheduler, { ...CALM, ...different }, this.coverage, report);
  }

  start(): this {
    for (const server of this.cluster.servers) this.cluster.start(server);
    return this;
  }

  /** A client on a machine of its own. */
  connect(index: number, observer: ClientObserver = {}): Client {
    const { cluster } = this;
    return new Client({
      ...cluster.client(index),
      seeds: cluster.addresses,
      clusterId: CLUSTER_ID,
      observer,
    });
  }

  async pass(ms: number): Promise<void> {
    await this.scheduler.runUntil(this.scheduler.nowUs + ms * 1000);
  }

  /** Lets time pass until the work has ended. @throws Violation when it does not */
  within<T>(work: Promise<T>, patienceMs: number = PATIENCE_MS): Promise<T> {
    return settled(this.scheduler, work, 'what the test waits for', patienceMs);
  }
}
