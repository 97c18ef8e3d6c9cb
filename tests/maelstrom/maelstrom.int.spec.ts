import { Prng, randomInteger, randomPick } from '@holdfast/io';
import { afterEach, expect, it } from 'vitest';
import { History, type RegisterCall, type RegisterResult } from '../../libs/sim/src/checkers/history.ts';
import { checkRegisters } from '../../libs/sim/src/checkers/linearizable.ts';
import { Router } from './harness/router.ts';
import { LinKvError } from './node/lin-kv.ts';

const NAMES = ['n0', 'n1', 'n2'];
const KEYS = [1, 20, 300];
const TIMEOUT_MS = 1_500;
const RUN_MS = 10_000;
const WORKERS = 12;

let router: Router | undefined;
afterEach(() => router?.close());

it('is linearizable over messages that are delayed, lost and cut', async () => {
  const network = new Router(NAMES, 7);
  router = network;
  for (const name of NAMES) {
    const init = { type: 'init', node_id: name, node_ids: NAMES };
    expect(await network.ask(name, init, 30_000)).toMatchObject({ type: 'init_ok' });
  }
  const history = new History(() => Math.round(performance.now() * 1000));
  const endMs = performance.now() + RUN_MS;
  const cuts = cutAndHeal(network, endMs);
  await Promise.all(Array.from({ length: WORKERS }, (_, i) => work(network, history, i, endMs)));
  await cuts;
  const { verdict, key, stuckAt } = checkRegisters(history.operations);
  expect(verdict, `key ${key} at ${JSON.stringify(stuckAt)}`).toBe('ok');
  expect(history.count('ok')).toBeGreaterThan(20);
  expect(network.carried).toBeGreaterThan(20);
}, 90_000);

/** Whole and calm, then slow and lossy, then a node is cut off, again and again. */
async function cutAndHeal({ faults }: Router, endMs: number): Promise<void> {
  for (let i = 0; performance.now() < endMs; i++) {
    await pause(1_000);
    faults.delayMsMax = 5;
    faults.loss = 0.01;
    await pause(500);
    faults.side = new Set([NAMES[i % NAMES.length]!]);
    await pause(1_500);
    faults.side = new Set();
    faults.loss = 0;
    faults.delayMsMax = 0;
  }
}

async function work(network: Router, history: History, worker: number, endMs: number): Promise<void> {
  const random = new Prng(worker + 1);
  for (let i = 0; performance.now() < endMs; i++) {
    const key = randomPick(random, KEYS);
    const value = worker * 1_000_000 + i;
    const kind = randomInteger(random, 0, 2);
    const call: RegisterCall = kind === 0 ? { kind: 'get' } : { kind: 'put', value: String(value) };
    const body = kind === 0 ? { type: 'read', key } : { type: 'write', key, value };
    const operation = history.invoke(worker, String(key), call);
    const answer = await network.ask(randomPick(random, NAMES), body, TIMEOUT_MS);
    const result = answer === undefined ? undefined : resultOf(answer);
    if (result !== undefined) history.ok(operation, result);
    else if (kind === 0 || (answer !== undefined && answer['code'] !== LinKvError.timeout))
      history.fail(operation);
    else history.info(operation);
  }
}

function resultOf({ type, value, code }: Readonly<Record<string, unknown>>): RegisterResult | undefined {
  if (type === 'read_ok') return { kind: 'value', value: JSON.stringify(value) };
  if (code === LinKvError.keyDoesNotExist) return { kind: 'value', value: undefined };
  return type === 'write_ok' ? { kind: 'done' } : undefined;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
