import { text } from '@holdfast/client';
import { type Random, randomChance, randomFraction } from '@holdfast/io';
import type { ChaosCluster, ChaosNode } from '../cluster/chaos-cluster.ts';
import { clientOfOne } from '../checks/replicas.ts';
import { DeadlineError, pause, until } from '../deadline.ts';
import { contentOf } from '../workloads/set-worker.ts';
import { describeEnding } from '../cluster/supervised.ts';
import type { Workload } from '../workloads/workload.ts';
import { type Damage, damageLog, damageTable } from './damage-file.ts';

/** From the start of a damaged node to its refusal. */
const REFUSAL_MS_MAX = 30_000;
const READY_MS_MAX = 30_000;
/** Acknowledged writes that the other nodes make meanwhile. */
const WRITES_MEANWHILE = 20;
const WRITES_MS_MAX = 20_000;

/** What an episode is told about, and what it tells. */
export interface DamageWorld {
  readonly cluster: ChaosCluster;
  readonly workload: Workload;
  note(what: string): void;
  report(trouble: Error): void;
}

/**
 * A byte of the log flips while the node is down: the node refuses to start and says where the damage is. The others go
 * on. With the byte back, the node comes back.
 */
export async function logEpisode(node: ChaosNode, world: DamageWorld): Promise<void> {
  await episode('log', node, world, damageLog, async (damage) => {
    const ended = node.process.ended();
    const ending = await Promise.race([ended, pause(REFUSAL_MS_MAX)]);
    if (ending === undefined) {
      world.report(
        new Error(`node ${node.id} started over a damaged log: ${damage.path} at byte ${damage.offset}`),
      );
      return;
    }
    const log = node.process.log();
    world.note(`node ${node.id} refused to start: ${describeEnding(ending)}, ${wordOnDamage(log)}`);
    if (ending.code === 0 || !/damaged log \S+ at byte \d+/.test(log)) {
      world.report(
        new Error(`node ${node.id} did not say what is damaged, ${describeEnding(ending)}: ${log}`),
      );
    }
  });
}

/**
 * A byte of a table flips while the node is down. Either the node refuses to start and says where the damage is, or it
 * starts and answers from the table with an error; never with a wrong value.
 */
export async function tableEpisode(node: ChaosNode, world: DamageWorld, random: Random): Promise<void> {
  // Half of the runs hit the first block, where the cluster keeps what it knows of itself.
  const place = randomChance(random, 0.5) ? 0.01 : 0.5 * randomFraction(random);
  const harm = (dataDirectory: string): Damage => damageTable(dataDirectory, place);
  await episode('table', node, world, harm, async (damage) => {
    const ended = node.process.ended();
    const outcome = await Promise.race([
      ended,
      until('the damaged node answers', REFUSAL_MS_MAX, async () => (await node.status()).ready).catch(
        (error: unknown) => error,
      ),
    ]);
    if (outcome === true) {
      const answers = await readEverything(node, world);
      world.note(
        `node ${node.id} runs over a damaged table; ${answers}; ${wordOnDamage(node.process.log())}`,
      );
      return;
    }
    if (outcome instanceof DeadlineError) {
      world.report(
        new Error(`node ${node.id} neither runs nor refuses over ${damage.path}`, { cause: outcome }),
      );
      return;
    }
    const log = node.process.log();
    world.note(`node ${node.id} refused to start over a damaged table, ${wordOnDamage(log)}`);
    if (!/damaged (table|manifest) \S+ at byte \d+/.test(log)) {
      world.report(new Error(`node ${node.id} did not say what is damaged: ${log}`));
    }
  });
}

async function episode(
  what: string,
  node: ChaosNode,
  world: DamageWorld,
  harm: (dataDirectory: string) => Damage,
  judge: (damage: Damage) => Promise<void>,
): Promise<void> {
  const { process, dataDirectory, id } = node;
  await process.terminate();
  const damage = harm(dataDirectory);
  world.note(`damaged ${what} of node ${id}: byte ${damage.offset} of ${damage.path}`);
  process.start(true);
  const writesBefore = world.workload.writes;
  await judge(damage);
  await until('the others write while one is damaged', WRITES_MS_MAX, () => {
    return world.workload.writes >= writesBefore + WRITES_MEANWHILE;
  });
  await process.kill();
  damage.repair();
  process.start();
  await world.cluster.ready(READY_MS_MAX);
  world.note(`node ${id} is back`);
}

/** What a process has written about damage. */
function wordOnDamage(log: string): string {
  const [found] = /damaged \w+ \S+ at byte \d+[^"\n]{0,100}/.exec(log) ?? [];
  return found === undefined ? 'its log does not mention the damage' : `its log says: ${found}`;
}

/** Asks the damaged node for all it has. A wrong value is reported; gives a word on what came. */
async function readEverything(node: ChaosNode, world: DamageWorld): Promise<string> {
  let rows = 0;
  try {
    const client = await clientOfOne(node, world.cluster.clusterId);
    try {
      const keyspace = client.keyspace('default', text);
      for await (const { key = '', value } of keyspace.scan({ consistency: 'eventual', pageSize: 50 })) {
        rows++;
        if (/^(box|hat|pot|urn)-/.test(key) && value !== contentOf(key)) {
          world.report(new Error(`node ${node.id} served a wrong value of ${key} from a damaged table`));
        }
      }
    } finally {
      await client.close();
    }
    return `it gave ${rows} right values, none from the damaged block`;
  } catch (error) {
    return `after ${rows} right values it said: ${error instanceof Error ? error.message : String(error)}`;
  }
}
