import { Prng, randomInteger, randomPick } from '@holdfast/io';
import type { ChaosCluster, ChaosNode } from '../cluster/chaos-cluster.ts';
import { describeEnding } from '../cluster/supervised.ts';
import { pause } from '../deadline.ts';
import type { Link } from '../proxy/link.ts';
import { NODE_HOSTS } from '../proxy/links.ts';
import { type PlannedFault, shuffled } from './plan.ts';

/** Ends a fault; resolves when its end has been carried out. */
export type EndFault = () => Promise<void>;

/** What a fault does to the world of a run. */
export interface FaultWorld {
  readonly cluster: ChaosCluster;
  /** Something that no fault explains. */
  report(trouble: Error): void;
}

/** A node that is told to stop has this long. */
const STOP_MS_MAX = 20_000;

/** Begins a fault; it lasts until the returned function is called. */
export async function beginFault(fault: PlannedFault, world: FaultWorld): Promise<EndFault> {
  const { cluster } = world;
  const { links } = cluster;
  const random = new Prng(fault.seed);
  const node = fault.name.endsWith('-leader') ? ((await cluster.leader()) ?? fault.node) : fault.node;
  switch (fault.name) {
    case 'kill':
    case 'kill-leader':
      return takeDown(fault, [cluster.node(node)], ({ process }) => process.kill());
    case 'kill-all':
      return takeDown(fault, cluster.nodes, ({ process }) => process.kill());
    case 'stop':
      return takeDown(fault, [cluster.node(node)], (stopped) => stopInOrder(stopped, world));
    case 'freeze':
    case 'freeze-leader':
      return freeze(fault, cluster.node(node));
    case 'isolate':
    case 'isolate-leader':
      return cutAll(links.around(node));
    case 'bridge': {
      const [a = 1, b = 2] = NODE_HOSTS.filter((id) => id !== node);
      return cutAll(links.pair(a, b));
    }
    case 'mute':
      return cutAll(links.around(node).filter(({ from }) => from === node));
    case 'deaf':
      return cutAll(links.around(node).filter(({ to }) => to === node));
    case 'one-way':
      return cutAll([randomPick(random, links.betweenNodes)]);
    case 'hide-from-clients':
      return cutAll([...links.pair('clients', node), ...links.pair('gateway', node)]);
    case 'slow-node':
      return degrade(links.around(node), () => randomInteger(random, 20, 300));
    case 'slow-links':
      return degrade(links.all, () => randomInteger(random, 0, 150));
    case 'lossy-links':
      return spoil(links.all, { loss: 0.1, corruption: 0 });
    case 'corrupt-bytes':
      return spoil(links.all, { loss: 0, corruption: 0.01 });
    case 'reset':
    case 'reset-inside-frame':
      for (const { proxy } of cluster.nodes) {
        proxy.reset(() => randomInteger(random, 0, 1) === 0, fault.name === 'reset-inside-frame');
      }
      return nothing;
    case 'black-hole': {
      const ends = cluster.nodes.map(({ proxy }) => {
        const victims = new Set(links.hosts.filter(() => randomInteger(random, 0, 1) === 0));
        return proxy.forget((from) => victims.has(from));
      });
      return () => {
        for (const end of ends) end();
        return Promise.resolve();
      };
    }
    case 'swizzle':
      return swizzle(links.betweenNodes, fault.durationMs, random);
    case 'kill-gateway':
      await cluster.gateway.kill();
      return () => {
        cluster.gateway.start();
        return Promise.resolve();
      };
  }
}

const nothing: EndFault = () => Promise.resolve();

/** Names the reason of one fault among those that hold a process. */
function reasonOf({ name, atMs }: PlannedFault): string {
  return `${name} at ${atMs}`;
}

async function takeDown(
  fault: PlannedFault,
  nodes: readonly ChaosNode[],
  end: (node: ChaosNode) => Promise<unknown>,
): Promise<EndFault> {
  const reason = reasonOf(fault);
  for (const { downFor } of nodes) downFor.add(reason);
  await Promise.all(nodes.map(end));
  return () => {
    for (const { downFor, process } of nodes) {
      downFor.delete(reason);
      if (downFor.size === 0) process.start();
    }
    return Promise.resolve();
  };
}

/** A node that works ends in order when it is told to, whatever the state of the others. */
async function stopInOrder({ id, process }: ChaosNode, world: FaultWorld): Promise<void> {
  if (process.frozen) {
    await process.kill();
    return;
  }
  const late = setTimeout(() => {
    // Another fault may have frozen it on the way.
    if (!process.frozen)
      world.report(new Error(`node ${id} was told to stop and still runs after ${STOP_MS_MAX} ms`));
    void process.kill();
  }, STOP_MS_MAX);
  const ending = await process.terminate();
  clearTimeout(late);
  // A signal: killed by another fault, or stopped before it could listen to signals.
  if (ending !== undefined && ending.signal === null && ending.code !== 0) {
    world.report(new Error(`node ${id} was told to stop and ended with ${describeEnding(ending)}`));
  }
}

function freeze(fault: PlannedFault, { frozenFor, process }: ChaosNode): EndFault {
  const reason = reasonOf(fault);
  frozenFor.add(reason);
  process.freeze();
  return () => {
    frozenFor.delete(reason);
    if (frozenFor.size === 0) process.thaw();
    return Promise.resolve();
  };
}

function cutAll(links: readonly Link[]): EndFault {
  const heals = links.map((link) => link.cut());
  return () => {
    for (const heal of heals) heal();
    return Promise.resolve();
  };
}

function degrade(links: readonly Link[], delayMs: () => number): EndFault {
  for (const link of links) {
    const delay = delayMs();
    link.degrade({ delayMs: delay, jitterMs: delay, loss: 0, corruption: 0 });
  }
  return restore(links);
}

function spoil(
  links: readonly Link[],
  { loss, corruption }: { readonly loss: number; readonly corruption: number },
): EndFault {
  for (const link of links) link.degrade({ delayMs: 0, jitterMs: 0, loss, corruption });
  return restore(links);
}

/** The last one to degrade a link decides, and the first to restore it. */
function restore(links: readonly Link[]): EndFault {
  return () => {
    for (const link of links) link.restore();
    return Promise.resolve();
  };
}

/** Swizzle-clogging: the cuts come one by one, and the heals in another order. */
function swizzle(links: readonly Link[], durationMs: number, random: Prng): EndFault {
  const chosen = shuffled(random, links).slice(0, randomInteger(random, 2, links.length));
  const stepMs = durationMs / (2 * chosen.length);
  const cuts = new Map<Link, () => void>();
  let over = false;
  const work = (async (): Promise<void> => {
    for (const link of chosen) {
      if (over) return;
      cuts.set(link, link.cut());
      await pause(stepMs);
    }
    for (const link of shuffled(random, chosen)) {
      if (over) return;
      cuts.get(link)?.();
      await pause(stepMs);
    }
  })();
  return async () => {
    over = true;
    for (const heal of cuts.values()) heal();
    await work;
  };
}
