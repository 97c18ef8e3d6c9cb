import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Ending } from '../../scripts/cluster/child.ts';
import { until } from '../../scripts/cluster/deadline.ts';
import { freeClusterPorts } from '../../scripts/cluster/free-ports.ts';
import { nodeName, nodesUrl } from '../../scripts/cluster/layout.ts';
import { LocalCluster } from '../../scripts/cluster/local-cluster.ts';
import { Http } from './http.ts';

export const ROOT = dirname(dirname(import.meta.dirname));
/** Far above what anything here needs on a machine with other work. */
export const PATIENCE_MS = 30_000;

/** A real cluster of real processes on free ports and in a directory of its own, both gone at the end. */
export class TestCluster implements AsyncDisposable {
  readonly http: Http;
  readonly #cluster: LocalCluster;
  readonly #directory: string;
  readonly #lines: string[];

  static async start(): Promise<TestCluster> {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
    const lines: string[] = [];
    const cluster = new LocalCluster({
      root: ROOT,
      dataDirectory: directory,
      ports: await freeClusterPorts(),
      onLine: (name, line) => lines.push(`${name} | ${line}`),
    });
    const test = new TestCluster(cluster, directory, lines);
    try {
      await cluster.start(PATIENCE_MS);
    } catch (error) {
      await test[Symbol.asyncDispose]();
      throw new Error(`the cluster did not start:\n${lines.join('\n')}`, { cause: error });
    }
    return test;
  }

  private constructor(cluster: LocalCluster, directory: string, lines: string[]) {
    this.#cluster = cluster;
    this.#directory = directory;
    this.#lines = lines;
    this.http = new Http(cluster.gatewayUrl, cluster.rootKey);
  }

  get gatewayUrl(): string {
    return this.#cluster.gatewayUrl;
  }

  /** What the gateway takes as a bearer token for everything. */
  get rootKey(): string {
    return this.#cluster.rootKey;
  }

  get adminUrl(): string {
    return this.#cluster.adminUrl;
  }

  /** For clients that speak with the data nodes. */
  get nodesUrl(): string {
    return nodesUrl(this.#cluster.ports.nodes);
  }

  get nodes(): readonly string[] {
    return this.#cluster.names.filter((name) => name.startsWith('node-'));
  }

  /** What the processes have said so far. */
  get log(): string {
    return this.#lines.join('\n');
  }

  /** The node that leads most ranges, as soon as there is one. */
  leader(): Promise<string> {
    return until('a range has a leader', PATIENCE_MS, () => this.#cluster.leader());
  }

  /** The node that leads a range. */
  leaderOf(range: number): Promise<string> {
    return until(`range ${range} has a leader`, PATIENCE_MS, async () => {
      const { ranges } = await this.#cluster.view();
      const leader = ranges.find(({ id }) => id === range)?.leader ?? 0;
      return leader !== 0 && nodeName(leader);
    });
  }

  /** Ends a node by a signal. */
  end(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<Ending | undefined> {
    return this.#cluster.end(name, signal);
  }

  signal(name: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#cluster.signal(name, signal);
  }

  /** Starts nodes that have ended, and waits until they and the gateway are ready. */
  async restart(...names: readonly string[]): Promise<void> {
    for (const name of names) this.#cluster.spawn(name);
    await this.#cluster.ready(PATIENCE_MS, [...names, 'gateway']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http.close();
    await this.#cluster.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
