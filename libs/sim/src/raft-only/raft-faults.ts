import {
  type Cancel,
  EMPTY_BYTES,
  type NodeId,
  type Random,
  randomChance,
  randomInteger,
  randomPick,
} from '@holdfast/io';
import type { ConfChangeStep, ConfState } from '@holdfast/raft';
import type { Fault } from '../faults/nemesis.ts';
import { Phase } from '../world/scheduler.ts';
import type { Member, RaftCluster } from './raft-cluster.ts';

/** Everything that can befall a cluster of toy nodes. */
export function raftFaults(cluster: RaftCluster, membership: boolean): readonly Fault[] {
  return [
    ...processFaults(cluster),
    ...networkFaults(cluster),
    ...(membership ? membershipFaults(cluster) : []),
  ];
}

function processFaults(cluster: RaftCluster): readonly Fault[] {
  const kill = (members: readonly Member[]): (() => void) | undefined => {
    const alive = members.filter(({ process }) => process !== undefined);
    if (alive.length === 0) return undefined;
    for (const member of alive) cluster.kill(member);
    return () => alive.forEach((member) => cluster.start(member));
  };
  const leader = (): readonly Member[] => cluster.members.filter(({ id }) => id === cluster.leader?.id);
  const pause = (member: Member | undefined): (() => void) | undefined => {
    const process = member?.process;
    if (process?.state !== 'running') return undefined;
    process.pause();
    return () => process.resume();
  };
  return [
    {
      name: 'kill',
      durationMs: [10, 5_000],
      weight: 2,
      begin: (random) => kill([randomPick(random, cluster.members)]),
    },
    { name: 'kill leader', durationMs: [10, 3_000], begin: () => kill(leader()) },
    { name: 'kill all', durationMs: [10, 500], weight: 0.5, begin: () => kill(cluster.members) },
    {
      name: 'pause',
      durationMs: [100, 5_000],
      begin: (random) => pause(randomPick(random, cluster.members)),
    },
    { name: 'pause leader', durationMs: [500, 5_000], begin: () => pause(leader()[0]) },
    {
      name: 'false alarm',
      durationMs: [0, 0],
      begin: () => {
        const { leader: node, running } = cluster;
        if (node === undefined) return undefined;
        for (const other of running) if (other !== node) other.suspect(node.id);
        return () => undefined;
      },
    },
  ];
}

function networkFaults(cluster: RaftCluster): readonly Fault[] {
  const { network, members } = cluster;
  const ids = members.map(({ id }) => id);
  const cut = (pairs: readonly (readonly [NodeId, NodeId])[]): (() => void) => {
    const links = pairs.map(([from, to]) => network.link(from, to));
    for (const link of links) link.sever();
    return () => links.forEach((link) => link.heal());
  };
  const isolate = (id: NodeId): (() => void) =>
    cut(
      ids.flatMap((other) =>
        other === id
          ? []
          : ([
              [id, other],
              [other, id],
            ] as const),
      ),
    );
  const knob = (name: 'loss' | 'duplication' | 'delay', value: number): Fault => ({
    name,
    durationMs: [500, 5_000],
    begin: () => {
      network.faults[name] = value;
      return () => (network.faults[name] = 0);
    },
  });
  return [
    {
      name: 'partition',
      durationMs: [100, 6_000],
      weight: 2,
      begin: (random) => {
        const side = new Set(ids.filter(() => randomChance(random, 0.5)));
        return cut(
          ids.flatMap((a) => ids.flatMap((b) => (side.has(a) === side.has(b) ? [] : [[a, b] as const]))),
        );
      },
    },
    { name: 'isolate', durationMs: [100, 6_000], begin: (random) => isolate(randomPick(random, ids)) },
    {
      name: 'isolate leader',
      durationMs: [500, 6_000],
      weight: 2,
      begin: () => (cluster.leader === undefined ? undefined : isolate(cluster.leader.id)),
    },
    {
      name: 'asymmetric cut',
      durationMs: [100, 6_000],
      begin: (random) => {
        const from = randomPick(random, ids);
        return cut(
          ids.flatMap((to) => (to !== from && randomChance(random, 0.7) ? [[from, to] as const] : [])),
        );
      },
    },
    {
      name: 'bridge',
      durationMs: [500, 6_000],
      begin: (random) => {
        const middle = randomPick(random, ids);
        const left = new Set(ids.filter((id) => id !== middle && randomChance(random, 0.5)));
        const apart = (a: NodeId, b: NodeId): boolean =>
          a !== middle && b !== middle && left.has(a) !== left.has(b);
        return cut(ids.flatMap((a) => ids.flatMap((b) => (apart(a, b) ? [[a, b] as const] : []))));
      },
    },
    {
      name: 'clog',
      durationMs: [500, 4_000],
      begin: (random) => {
        const link = network.link(randomPick(random, ids), randomPick(random, ids));
        link.clogMs = randomInteger(random, 50, 2_000);
        return () => (link.clogMs = 0);
      },
    },
    slowAnswers(cluster),
    sleepsApart(cluster, isolate),
    knob('loss', 0.2),
    knob('duplication', 0.3),
    knob('delay', 0.1),
  ];
}

/**
 * Answers to a leader take longer and longer, never so suddenly that it misses them; then nothing leaves it any
 * more, while old answers still arrive and the others elect.
 */
function slowAnswers(cluster: RaftCluster): Fault {
  const { network, members, scheduler } = cluster;
  return {
    name: 'slow answers',
    weight: 2,
    durationMs: [6_000, 10_000],
    begin: (random) => {
      const { leader } = cluster;
      if (leader === undefined) return undefined;
      const others = members.flatMap(({ id }) => (id === leader.id ? [] : [id]));
      const answers = others.map((id) => network.link(id, leader.id));
      const orders = others.map((id) => network.link(leader.id, id));
      const slowestMs = randomInteger(random, 1_500, 3_500);
      let cancel: Cancel;
      let clogMs = 0;
      const slowDown = (): void => {
        clogMs += SLOWER_MS;
        for (const link of answers) link.clogMs = clogMs;
        if (clogMs < slowestMs)
          cancel = scheduler.schedule(SLOWER_EVERY_US, Phase.input, undefined, slowDown);
        else for (const link of orders) link.sever();
      };
      slowDown();
      return () => {
        cancel();
        for (const link of [...answers, ...orders]) link.heal();
      };
    },
  };
}

/** How much slower answers become, and how often: less than time passes, so they keep coming. */
const SLOWER_MS = 150;
const SLOWER_EVERY_US = 200_000;

/** A leader is suspended, and when it wakes up the network is still away: nobody tells it what it has missed. */
function sleepsApart(cluster: RaftCluster, isolate: (id: NodeId) => () => void): Fault {
  return {
    name: 'leader sleeps apart',
    weight: 2,
    durationMs: [2_500, 6_000],
    begin: (random) => {
      const { leader } = cluster;
      const process = leader === undefined ? undefined : cluster.member(leader.id)?.process;
      if (leader === undefined || process?.state !== 'running') return undefined;
      process.pause();
      const heal = isolate(leader.id);
      const sleepUs = randomInteger(random, 1_000_000, 3_000_000);
      const cancel = cluster.scheduler.schedule(sleepUs, Phase.input, undefined, () => process.resume());
      return () => {
        cancel();
        process.resume();
        heal();
      };
    },
  };
}

function membershipFaults(cluster: RaftCluster): readonly Fault[] {
  const once = (name: string, act: (random: Random) => boolean): Fault => ({
    name,
    durationMs: [0, 0],
    weight: 3,
    begin: (random) => (act(random) ? () => undefined : undefined),
  });
  const change = (
    steps: (random: Random, conf: ConfState) => readonly ConfChangeStep[],
  ): ((random: Random) => boolean) => {
    return (random) => {
      const leader = cluster.leader;
      if (leader === undefined) return false;
      const change = { steps: steps(random, leader.conf), transition: 'auto' as const, context: EMPTY_BYTES };
      return change.steps.length > 0 && leader.changeConf(change);
    };
  };
  const any = (random: Random): NodeId => randomPick(random, cluster.members).id;
  return [
    once('transfer leadership', (random) => {
      const leader = cluster.leader;
      if (leader === undefined) return false;
      leader.transfer(randomPick(random, leader.conf.voters));
      return true;
    }),
    once(
      'add learner',
      change((random, { voters }) => outsiders(any(random), voters, 'add-learner')),
    ),
    once(
      'promote learner',
      change((_, { learners }) => learners.map((node) => ({ action: 'add-voter', node }))),
    ),
    once(
      'demote voter',
      change((random, { voters }) => [{ action: 'add-learner', node: randomPick(random, voters) }]),
    ),
    once(
      'remove voter',
      change((random, { voters }) => [{ action: 'remove', node: randomPick(random, voters) }]),
    ),
    once(
      'change several',
      change((random, { voters, learners }) => [
        ...learners.map((node) => ({ action: 'add-voter' as const, node })),
        ...voters
          .filter(() => randomChance(random, 0.4))
          .map((node) => ({ action: 'remove' as const, node })),
      ]),
    ),
  ];
}

function outsiders(
  node: NodeId,
  voters: readonly NodeId[],
  action: ConfChangeStep['action'],
): ConfChangeStep[] {
  return voters.includes(node) ? [] : [{ action, node }];
}
