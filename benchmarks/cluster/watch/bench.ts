/**
 * What 1,000 watchers cost the writers, and how soon they hear: `npm run bench:watch [-- --quick] [--json FILE]`.
 * Ratios of one run, with and without watchers in turn, are what counts.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bytes, type Client } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { holdfast } from '../systems/holdfast.ts';
import type { Order, Report } from './followers.ts';
import { stampedValue } from './stamp.ts';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'string' } } });
const PHASE_MS = options.quick === true ? 2000 : 6000;
const ROUNDS = options.quick === true ? 2 : 4;
const WATCHERS = 1000;
const WRITERS = 32;
/** Writes a second while latencies are taken. */
const PACE = 50;
/** All in one range, so that one leader carries all of it. */
const KEYS = Array.from({ length: WATCHERS }, (_, i) => `a/${String(i).padStart(4, '0')}`);

interface Setup {
  readonly name: string;
  readonly prefixes: readonly string[];
  readonly connections: number;
}

const SETUPS: readonly Setup[] = [
  { name: 'one prefix, 1 connection', prefixes: KEYS.map(() => 'a/'), connections: 1 },
  { name: 'one prefix, 100 connections', prefixes: KEYS.map(() => 'a/'), connections: 100 },
  { name: 'disjoint, 1 connection', prefixes: KEYS, connections: 1 },
  { name: 'disjoint, 100 connections', prefixes: KEYS, connections: 100 },
];

interface Measured {
  readonly watchers: string;
  /** Writes a second with watchers, as a part of those without, in the same run. */
  readonly putsRatio: number;
  readonly putsPerSecond: number;
  readonly changesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Writes for a while, as fast as it goes; gives writes a second. */
async function write(db: Client, ms: number): Promise<number> {
  const keyspace = db.keyspace('default', bytes);
  const until = performance.now() + ms;
  const started = performance.now();
  let puts = 0;
  let next = 0;
  const writer = async (): Promise<void> => {
    while (performance.now() < until) {
      await keyspace.set(KEYS[next++ % KEYS.length]!, stampedValue());
      puts++;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return (puts * 1000) / (performance.now() - started);
}

async function writePaced(db: Client, ms: number): Promise<void> {
  const keyspace = db.keyspace('default', bytes);
  for (let i = 0; i < (ms * PACE) / 1000; i++) {
    await Promise.all([keyspace.set(KEYS[(i * 7) % KEYS.length]!, stampedValue()), delay(1000 / PACE)]);
  }
}

class Followers {
  readonly #child: ChildProcess;

  constructor(addresses: readonly string[]) {
    this.#child = fork(join(import.meta.dirname, 'followers.ts'), [addresses.join(',')], {
      execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'],
    });
  }

  async ask<K extends Report['kind']>(order: Order, kind: K): Promise<Extract<Report, { kind: K }>> {
    this.#child.send(order);
    const [report] = (await once(this.#child, 'message', { signal: AbortSignal.timeout(60_000) })) as [
      Report,
    ];
    if (report.kind !== kind) throw new Error(`asked for ${kind}, got ${report.kind}`);
    return report as Extract<Report, { kind: K }>;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.send({ kind: 'stop' } satisfies Order);
    await ended;
  }
}

async function measure(db: Client, addresses: readonly string[], setup: Setup): Promise<Measured> {
  let alone = 0;
  let watched = 0;
  let changes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    alone += await write(db, PHASE_MS);
    const followers = new Followers(addresses);
    await followers.ask({ kind: 'watch', ...setup }, 'standing');
    await followers.ask({ kind: 'report' }, 'report');
    watched += await write(db, PHASE_MS);
    changes += (await followers.ask({ kind: 'report' }, 'report')).changes;
    await followers.stop();
  }
  const followers = new Followers(addresses);
  await followers.ask({ kind: 'watch', ...setup }, 'standing');
  await followers.ask({ kind: 'report' }, 'report');
  await writePaced(db, 2 * PHASE_MS);
  const { latenciesMs } = await followers.ask({ kind: 'report' }, 'report');
  await followers.stop();
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  return {
    watchers: setup.name,
    putsRatio: watched / alone,
    putsPerSecond: watched / ROUNDS,
    changesPerSecond: (changes * 1000) / (ROUNDS * PHASE_MS),
    p50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? Number.NaN,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
  };
}

const directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-watch-'));
const system = await holdfast.start({ directory });
try {
  const { target } = system;
  if (target.kind !== 'holdfast') throw new Error('the nodes have addresses');
  const db = await connect(`holdfast://${target.addresses.join(',')}`);
  await write(db, PHASE_MS);
  const results: Measured[] = [];
  for (const setup of SETUPS) {
    const result = await measure(db, target.addresses, setup);
    results.push(result);
    const { watchers, putsRatio, putsPerSecond, changesPerSecond, p50Ms, p99Ms } = result;
    process.stdout.write(
      `| ${watchers} | ${putsRatio.toFixed(2)} | ${putsPerSecond.toFixed(0)} | ${changesPerSecond.toFixed(0)} | ` +
        `${p50Ms.toFixed(1)} | ${p99Ms.toFixed(1)} |\n`,
    );
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
  await db.close();
} finally {
  await system.stop();
  rmSync(directory, { recursive: true, force: true });
}
