import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Client, HoldfastError } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { afterAll, expect, it } from 'vitest';
import { Child } from '../../scripts/cluster/child.ts';
import { answersOk, until } from '../../scripts/cluster/deadline.ts';
import { freePorts } from '../../scripts/cluster/free-ports.ts';
import { PATIENCE_MS, ROOT } from './cluster.ts';

const CLUSTER_ID = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';
const WRITERS = 8;
const directory = mkdtempSync(join(tmpdir(), 'holdfast-members-'));
const children: Child[] = [];
const log: string[] = [];

afterAll(async () => {
  for (const child of children) child.signal('SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
  rmSync(directory, { recursive: true, force: true });
});

interface RunningNode {
  readonly id: number;
  readonly address: string;
  readonly http: string;
  readonly child: Child;
}

/** A data node of its own process, and a directory of its own. */
async function startNode(id: number, founder: string | undefined): Promise<RunningNode> {
  const [tcp, http] = await freePorts(2);
  const address = `127.0.0.1:${tcp}`;
  const settings = {
    HOLDFAST_NODE_ID: String(id),
    HOLDFAST_CLUSTER_ID: CLUSTER_ID,
    HOLDFAST_MEMBERS: `1=${founder ?? address}`,
    HOLDFAST_JOIN: String(founder !== undefined),
    HOLDFAST_ADDRESS: address,
    HOLDFAST_DATA_DIRECTORY: join(directory, `node-${id}`),
    HOLDFAST_HTTP_PORT: String(http),
  };
  const entry = join(ROOT, 'apps/data-node/dist/main.js');
  const spec = { name: `node-${id}`, entry, settings, url: `http://127.0.0.1:${http}`, ports: [tcp, http] };
  const child = new Child(spec, (line) => log.push(`${id} | ${line}`));
  children.push(child);
  return { id, address, http: spec.url, child };
}

const run = promisify(execFile);

/** The command that operators use. */
async function cluster(
  url: string,
  ...words: readonly string[]
): Promise<readonly { id: number; state: string }[]> {
  const command = join(ROOT, 'apps/cli/bin/holdfast.js');
  const args = ['cluster', ...words, '--url', url, '--json', '--deadline-ms', '20000'];
  const { stdout } = await run(process.execPath, [command, ...args]);
  return (JSON.parse(stdout) as { members: { id: number; state: string }[] }).members;
}

/** Writes every key once, and remembers what was acknowledged. */
class Load {
  readonly acknowledged: string[] = [];
  readonly #db: Client;
  readonly #ended: Promise<unknown>;
  #stopped = false;

  constructor(db: Client) {
    this.#db = db;
    this.#ended = Promise.all(Array.from({ length: WRITERS }, (_, i) => this.#write(i)));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ended;
  }

  async #write(writer: number): Promise<void> {
    const keys = this.#db.keyspace<number>('default');
    for (let i = 0; !this.#stopped; i++) {
      const key = `${'adnt'.charAt(i % 4)}/${writer}/${i}`;
      try {
        await keys.set(key, i);
        this.acknowledged.push(key);
      } catch (error) {
        // A leader that leaves may take a write with it: then nobody was told that it is safe.
        if (!(error instanceof HoldfastError)) throw error;
      }
    }
  }
}

it(
  'grows from one node to three to five and shrinks to three, under load, and loses nothing',
  { timeout: 240_000 },
  async () => {
    const first = await startNode(1, undefined);
    await until('the first node is ready', PATIENCE_MS, () => answersOk(`${first.http}/readyz`));
    const seed = `holdfast://${first.address}`;
    await using db = await connect(seed, { clusterId: CLUSTER_ID });
    const load = new Load(db);
    const joiners = [];
    for (const id of [2, 3, 4, 5]) {
      const node = await startNode(id, first.address);
      joiners.push(node);
      const members = await cluster(seed, 'add', String(id), node.address);
      expect(members.map((member) => `${member.id} ${member.state}`)).toContain(`${id} voter`);
    }
    const [, , fourth] = joiners;
    const others = `holdfast://${joiners.map(({ address }) => address).join(',')}`;
    // The first node leads everything; the fourth is dead.
    fourth.child.signal('SIGKILL');
    await cluster(others, 'remove', '1');
    const members = await cluster(others, 'remove', '4');
    expect(members.map(({ id, state }) => `${id} ${state}`)).toEqual(['2 voter', '3 voter', '5 voter']);
    await until('the removed node has ended', PATIENCE_MS, () => !first.child.running);
    const before = load.acknowledged.length;
    await until('writes go on', PATIENCE_MS, () => load.acknowledged.length > before + 100);
    await load.stop();
    const keys = db.keyspace<number>('default');
    const values = await keys.getMany(load.acknowledged);
    expect(values.filter((value) => value === undefined)).toEqual([]);
    expect(values.length).toBeGreaterThan(200);
  },
);
