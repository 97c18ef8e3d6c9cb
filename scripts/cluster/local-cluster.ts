import { type ClusterView, viewCluster } from '@holdfast/service';
import { Child, describeEnding, type Ending, type LastWords } from './child.ts';
import { answersOk, until } from './deadline.ts';
import { clusterIdOf, developmentKeyOf } from './data-directory.ts';
import { exchangeMembers } from './exchange-members.ts';
import { FOUNDERS, httpUrl, nodeName, type Ports, processesOf, type ProcessSpec } from './layout.ts';
import { removeRunFile, writeRunFile } from './run-file.ts';

/** From SIGTERM to the end of a process that stops in order; then it is killed. */
const STOP_MS = 15_000;
const REPORT_MS = 1000;

export interface LocalClusterOptions {
  readonly root: string;
  readonly dataDirectory: string;
  readonly ports: Ports;
  readonly logLevel?: string;
  /** Default: the development key of the data directory. */
  readonly rootKey?: string | undefined;
  /** Every line that a process writes. */
  readonly onLine: (name: string, line: string) => void;
  /** A process ended without having been asked to by {@link LocalCluster.stop}. */
  readonly onEnd?: (name: string, ending: Ending) => void;
}

/** A process that a cluster started without. */
export interface Missing {
  readonly name: string;
  readonly reason: string;
}

/** The processes of one cluster on this machine: three data nodes, a gateway, the admin app. Nothing restarts by itself. */
export class LocalCluster {
  readonly ports: Ports;
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  /** What the gateway takes as a bearer token for everything. */
  readonly rootKey: string;
  readonly #options: LocalClusterOptions;
  readonly #specs: readonly ProcessSpec[];
  readonly #children = new Map<string, Child>();
  readonly #clusterId: string;
  #stopping = false;

  constructor(options: LocalClusterOptions) {
    const { root, dataDirectory, ports, logLevel = 'info' } = options;
    this.#options = options;
    this.ports = ports;
    this.gatewayUrl = httpUrl(ports.gateway);
    this.adminUrl = httpUrl(ports.admin);
    const clusterId = clusterIdOf(dataDirectory);
    this.#clusterId = clusterId;
    this.rootKey = options.rootKey ?? developmentKeyOf(dataDirectory);
    this.#specs = processesOf({ root, dataDirectory, clusterId, rootKey: this.rootKey, ports, logLevel });
  }

  get names(): readonly string[] {
    return this.#specs.map(({ name }) => name);
  }

  pidOf(name: string): number | undefined {
    const child = this.#children.get(name);
    return child?.running === true ? child.pid : undefined;
  }

  get anyRunning(): boolean {
    return this.names.some((name) => this.pidOf(name) !== undefined);
  }

  /** Starts every process and waits until each says that it is ready. @throws Error when one ends before, or in time. */
  async start(readyMs: number): Promise<void> {
    for (const { name } of this.#specs) this.spawn(name);
    await this.ready(readyMs);
  }

  /**
   * Starts every process and waits until each is ready, or is known not to become so. A minority of the nodes and the
   * admin app may be missing; they are given back. Nodes that are new take the places of those that they replace.
   *
   * @throws Error when the gateway or a majority of the nodes is not ready in time, or ends; at once.
   */
  async startQuorum(readyMs: number): Promise<readonly Missing[]> {
    for (const { name } of this.#specs) this.spawn(name);
    const missing: Missing[] = [];
    const hopeless = Promise.withResolvers<never>();
    const outcomes = this.names.map(async (name) => {
      try {
        await this.#readyAsMember(name, readyMs);
      } catch (error) {
        missing.push({ name, reason: error instanceof Error ? error.message : String(error) });
        const trouble = missingTooMuch(missing, this.ports.nodes.length);
        if (trouble !== undefined) hopeless.reject(new Error(trouble));
      }
    });
    await Promise.race([Promise.all(outcomes), hopeless.promise]);
    return missing.toSorted((a, b) => this.names.indexOf(a.name) - this.names.indexOf(b.name));
  }

  /** What a process said last about why it could not go on. */
  lastWordsOf(name: string): LastWords | undefined {
    return this.#children.get(name)?.lastWords;
  }

  /** Starts one process that does not run. */
  spawn(name: string): Child {
    const spec = this.#specs.find((candidate) => candidate.name === name);
    if (spec === undefined) throw new Error(`there is no ${name}; there are ${this.names.join(', ')}`);
    if (this.pidOf(name) !== undefined) throw new Error(`${name} runs already`);
    const child = new Child(spec, (line) => this.#options.onLine(name, line));
    this.#children.set(name, child);
    this.#writeRunFile();
    void child.ended.then((ending) => {
      if (this.#stopping) return;
      this.#writeRunFile();
      this.#options.onEnd?.(name, ending);
    });
    return child;
  }

  /** Waits until the named processes (default: all) answer `/readyz`. */
  async ready(readyMs: number, names: readonly string[] = this.names): Promise<void> {
    await Promise.all(
      this.#specs
        .filter(({ name }) => names.includes(name))
        .map(async ({ name, url }) => {
          const child = this.#children.get(name);
          const ended = child?.ended.then((ending) => {
            const words = child.lastWords === undefined ? '' : `: ${child.lastWords.message}`;
            throw new Error(`${name} ended before it was ready, ${describeEnding(ending)}${words}`);
          });
          await Promise.race([until(`${name} is ready`, readyMs, () => answersOk(`${url}/readyz`)), ended]);
        }),
    );
  }

  /** A node that joins becomes ready when the others take it in. */
  async #readyAsMember(name: string, readyMs: number): Promise<void> {
    const { nodes } = this.ports;
    const joins = nodes.some(({ id }) => nodeName(id) === name && !FOUNDERS.includes(id));
    const takenIn = async (): Promise<void> => {
      await this.ready(readyMs, ['gateway']);
      await exchangeMembers(nodes, this.#clusterId, readyMs);
    };
    await Promise.all([this.ready(readyMs, [name]), joins ? takenIn() : undefined]);
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.#children.get(name)?.signal(signal);
  }

  /** Sends a signal that ends the process, and waits for the end. */
  async end(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<Ending | undefined> {
    const child = this.#children.get(name);
    child?.signal(signal);
    return child?.ended;
  }

  /** What the data nodes say now. */
  view(): Promise<ClusterView> {
    const targets = this.ports.nodes.map(({ id, http }) => ({ id, url: httpUrl(http) }));
    return viewCluster(targets, REPORT_MS);
  }

  /** The node that leads most of the data ranges; undefined while no range has a leader. */
  async leader(): Promise<string | undefined> {
    const id = busiestLeader(await this.view());
    return id === undefined ? undefined : nodeName(id);
  }

  /** Stops what runs: the edges first, then the nodes; what does not end in time is killed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const isNode = (name: string): boolean => name.startsWith('node-');
    await this.#stopAll(this.names.filter((name) => !isNode(name)));
    await this.#stopAll(this.names.filter(isNode));
    removeRunFile(this.#options.dataDirectory);
  }

  /** Ends everything at once. */
  kill(): void {
    this.#stopping = true;
    for (const child of this.#children.values()) child.signal('SIGKILL');
    removeRunFile(this.#options.dataDirectory);
  }

  async #stopAll(names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const child = this.#children.get(name);
        if (child?.running !== true) return;
        const timer = setTimeout(() => {
          this.#options.onLine(name, `does not stop within ${STOP_MS} ms: killed`);
          child.signal('SIGKILL');
        }, STOP_MS);
        // A stopped (SIGSTOP) process would sleep through SIGTERM.
        child.signal('SIGCONT');
        child.signal('SIGTERM');
        await child.ended;
        clearTimeout(timer);
      }),
    );
  }

  #writeRunFile(): void {
    writeRunFile(this.#options.dataDirectory, {
      supervisor: process.pid,
      processes: this.#specs.map(({ name, url }) => {
        const pid = this.pidOf(name);
        return { name, url, ...(pid === undefined ? {} : { pid }) };
      }),
    });
  }
}

/** Why a cluster cannot work without these processes; undefined when it can. */
export function missingTooMuch(missing: readonly Missing[], nodes: number): string | undefined {
  const gateway = missing.find(({ name }) => name === 'gateway');
  if (gateway !== undefined) return gateway.reason;
  const lost = missing.filter(({ name }) => name.startsWith('node-'));
  if (lost.length * 2 < nodes) return undefined;
  const reasons = lost.map(({ reason }) => `  ${reason}`).join('\n');
  return `${lost.length} of ${nodes} data nodes are missing, and without a majority nothing works:\n${reasons}`;
}

const META_RANGE = 1;

/** The node that leads most ranges with data; of equals the first. */
export function busiestLeader({ ranges }: ClusterView): number | undefined {
  const led = new Map<number, number>();
  for (const { id, leader } of ranges) {
    if (id !== META_RANGE && leader !== 0) led.set(leader, (led.get(leader) ?? 0) + 1);
  }
  return [...led].toSorted((a, b) => b[1] - a[1] || a[0] - b[0])[0]?.[0];
}
