/**
 * What an `Idempotency-Key` costs: puts with and without one, alternating, on one cluster of applications, as a ratio of
 * throughput.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { ROOT_KEY } from './systems/cluster-id.ts';
import { holdfastHttp } from './systems/holdfast-http.ts';
import { median } from './report.ts';

const ROUNDS = 5;
const SECONDS = 2;
const CLIENTS = 64;
const VALUE = 'x'.repeat(100);

/** Puts per second. */
async function measure(pool: Pool, headers: () => Record<string, string>): Promise<number> {
  const endsAtMs = performance.now() + SECONDS * 1000;
  let puts = 0;
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (performance.now() < endsAtMs) {
      const path = `/v1/keyspaces/default/keys/idempotency-${puts % 10_000}`;
      const answer = await pool.request({ method: 'PUT', path, body: VALUE, headers: headers() });
      await answer.body.dump();
      if (answer.statusCode !== 200) throw new Error(`a put was answered with ${answer.statusCode}`);
      puts++;
    }
  });
  await Promise.all(clients);
  return puts / SECONDS;
}

const missing = holdfastHttp.missing();
if (missing !== undefined) throw new Error(missing);
const directory = mkdtempSync(join(tmpdir(), 'holdfast-idempotency-'));
const running = await holdfastHttp.start({ directory });
try {
  const { target } = running;
  if (target.kind !== 'holdfast-http') throw new Error('not a gateway');
  const pool = new Pool(`http://${target.address}`, { connections: CLIENTS });
  const authorization = { authorization: `Bearer ${ROOT_KEY}` };
  let names = 0;
  const named = () => ({ ...authorization, 'idempotency-key': `bench-${names++}` });
  const ratios: number[] = [];
  await measure(pool, () => authorization);
  for (let round = 0; round < ROUNDS; round++) {
    const plain = await measure(pool, () => authorization);
    const keyed = await measure(pool, named);
    ratios.push(keyed / plain);
    console.log(`puts/s: ${Math.round(plain)} plain, ${Math.round(keyed)} with an Idempotency-Key`);
  }
  console.log(`with an Idempotency-Key, throughput is ${median(ratios).toFixed(2)} of that without`);
  await pool.close();
} finally {
  await running.stop();
  rmSync(directory, { recursive: true, force: true });
}
