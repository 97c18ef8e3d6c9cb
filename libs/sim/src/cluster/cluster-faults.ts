import { type Random, randomChance, randomInteger, randomPick } from '@holdfast/io';
import { rangeId } from '@holdfast/io';
import type { Fault } from '../faults/nemesis.ts';
import type { Death } from '../world/machine.ts';
import type { Link } from '../world/network-link.ts';
import { Phase } from '../world/scheduler.ts';
import { type DiskFaults, noDiskFaults } from '../world/disk-options.ts';
import type { Server, StoreCluster, TableDamage } from './store-cluster.ts';

/** Everything that can befall a cluster of real nodes. */
export function clusterFaults(cluster: StoreCluster): readonly Fault[] {
  return [
    ...processFaults(cluster),
    ...clockFaults(cluster),
    ...networkFaults(cluster),
    ...diskFaults(cluster),
  ];
}

function leaderOf(cluster: StoreCluster, random: Random): Server | undefined {
  const id = cluster.invariants.leader(rangeId(randomInteger(random, 2, 5)));
  return cluster.servers.find((server) => server.id === id);
}

function processFaults(cluster: StoreCluster): readonly Fault[] {
  const down = (servers: readonly (Server | undefined)[], death: Death): (() => void) | undefined => {
    const alive = servers.flatMap((server) => (server?.machine.process === undefined ? [] : [server]));
    if (alive.length === 0) return undefined;
    for (const server of alive) {
      server.wanted = false;
      cluster.kill(server, death);
    }
    return () => alive.forEach((server) => cluster.start(server));
  };
  const any = (random: Random): Server => randomPick(random, cluster.servers);
  const pause = (server: Server | undefined): (() => void) | undefined => {
    const process = server?.machine.process;
    if (process?.state !== 'running') return undefined;
    process.pause();
    return () => process.resume();
  };
  return [
    { name: 'kill', durationMs: [10, 5_000], begin: (random) => down([any(random)], 'kill') },
    {
      name: 'power off',
      durationMs: [10, 5_000],
      weight: 2,
      begin: (random) => down([any(random)], 'power'),
    },
    {
      name: 'kill leader',
      durationMs: [10, 3_000],
      begin: (random) => down([leaderOf(cluster, random)], 'kill'),
    },
    {
      name: 'power off leader',
      durationMs: [10, 3_000],
      begin: (random) => down([leaderOf(cluster, random)], 'power'),
    },
    { name: 'kill all', durationMs: [10, 500], weight: 0.3, begin: () => down(cluster.servers, 'kill') },
    {
      name: 'power off all',
      durationMs: [10, 500],
      weight: 0.6,
      begin: () => down(cluster.servers, 'power'),
    },
    { name: 'pause', durationMs: [100, 5_000], begin: (random) => pause(any(random)) },
    { name: 'pause leader', durationMs: [500, 5_000], begin: (random) => pause(leaderOf(cluster, random)) },
    {
      name: 'slow process',
      durationMs: [500, 5_000],
      begin: (random) => {
        const process = any(random).machine.process;
        if (process === undefined) return undefined;
        process.slow(randomInteger(random, 100, 3_000));
        return () => process.slow(0);
      },
    },
  ];
}

function clockFaults(cluster: StoreCluster): readonly Fault[] {
  return [
    {
      name: 'wall clock jumps',
      durationMs: [0, 0],
      begin: (random) => {
        const { clock } = randomPick(random, cluster.servers).machine;
        clock.wallOffsetMs += randomInteger(random, -60_000, 60_000);
        return () => undefined;
      },
    },
  ];
}

function networkFaults(cluster: StoreCluster): readonly Fault[] {
  const { network } = cluster;
  /** Of all nodes, also of those that were added meanwhile. */
  const hostsNow = (): readonly string[] => cluster.servers.map(({ machine }) => machine.host);
  const cut = (pairs: readonly (readonly [string, string])[]): (() => void) | undefined => {
    if (pairs.length === 0) return undefined;
    const links = pairs.map(([from, to]) => network.link(from, to));
    for (const link of links) link.sever();
    return () => links.forEach((link) => link.heal());
  };
  const pairs = (apart: (a: string, b: string) => boolean): readonly (readonly [string, string])[] => {
    const hosts = hostsNow();
    return hosts.flatMap((a) => hosts.flatMap((b) => (a !== b && apart(a, b) ? [[a, b] as const] : [])));
  };
  const everyLink = (random: Random): readonly [string, string] => [
    randomPick(random, hostsNow()),
    randomPick(random, hostsNow()),
  ];
  return [
    {
      name: 'partition',
      durationMs: [100, 6_000],
      weight: 2,
      begin: (random) => {
        const side = new Set(hostsNow().filter(() => randomChance(random, 0.5)));
        return cut(pairs((a, b) => side.has(a) !== side.has(b)));
      },
    },
    {
      name: 'isolate leader',
      durationMs: [500, 6_000],
      weight: 2,
      begin: (random) => {
        const host = leaderOf(cluster, random)?.machine.host;
        return cut(pairs((a, b) => a === host || b === host));
      },
    },
    {
      // A clean split: each side has some clients, and hears at once that the other is gone. The others elect
      // in milliseconds, while the old leader lives on until it misses its quorum.
      name: 'leader looks dead',
      durationMs: [500, 3_000],
      weight: 3,
      begin: (random) => {
        const host = leaderOf(cluster, random)?.machine.host;
        if (host === undefined) return undefined;
        const here = new Set([host, ...cluster.clientHosts.filter(() => randomChance(random, 0.5))]);
        const all = [...hostsNow(), ...cluster.clientHosts];
        network.breakConnections((from, to) => here.has(from) !== here.has(to));
        return cut(
          all.flatMap((a) => all.flatMap((b) => (here.has(a) === here.has(b) ? [] : [[a, b] as const]))),
        );
      },
    },
    {
      name: 'asymmetric cut',
      durationMs: [100, 6_000],
      begin: (random) => {
        const from = randomPick(random, hostsNow());
        const spared = randomPick(random, hostsNow());
        return cut(pairs((a, b) => a === from && b !== spared));
      },
    },
    {
      name: 'bridge',
      durationMs: [500, 6_000],
      begin: (random) => {
        const middle = randomPick(random, hostsNow());
        const left = new Set(hostsNow().filter(() => randomChance(random, 0.5)));
        return cut(pairs((a, b) => a !== middle && b !== middle && left.has(a) !== left.has(b)));
      },
    },
    {
      name: 'clog',
      durationMs: [500, 4_000],
      begin: (random) => {
        const link = network.link(...everyLink(random));
        link.clogMs = randomInteger(random, 50, 2_000);
        return () => (link.clogMs = 0);
      },
    },
    swizzleClog(cluster, hostsNow),
    {
      name: 'connections break',
      durationMs: [0, 0],
      begin: (random) =>
        network.breakConnections(() => randomChance(random, 0.3)) > 0 ? () => undefined : undefined,
    },
    {
      name: 'flaky links',
      durationMs: [500, 4_000],
      begin: () => {
        for (const link of network.links) link.drops = 0.01;
        return () => network.links.forEach((link) => (link.drops = 0));
      },
    },
    {
      name: 'corrupt bytes',
      durationMs: [200, 2_000],
      begin: () => {
        for (const link of network.links) link.corruption = 0.01;
        return () => network.links.forEach((link) => (link.corruption = 0));
      },
    },
  ];
}

/**
 * Some nodes are cut off one after the other, and come back one after the other, in another order: a fault of
 * FoundationDB's simulator that found what whole partitions did not ("Testing Distributed Systems w/ Deterministic
 * Simulation", W. Wilson, Strange Loop 2014).
 */
function swizzleClog(cluster: StoreCluster, hostsNow: () => readonly string[]): Fault {
  const { network, scheduler } = cluster;
  return {
    name: 'swizzle-clog',
    durationMs: [1_000, 6_000],
    weight: 2,
    begin: (random) => {
      const hosts = hostsNow();
      const chosen = hosts.filter(() => randomChance(random, 0.6));
      if (chosen.length === 0) return undefined;
      const linksOf = (host: string): readonly Link[] =>
        hosts.flatMap((other) =>
          other === host ? [] : [network.link(host, other), network.link(other, host)],
        );
      const stepUs = randomInteger(random, 10_000, 400_000);
      const cancels = [
        ...shuffled(random, chosen).map(
          (host, i) => [i * stepUs, () => linksOf(host).forEach((link) => link.sever())] as const,
        ),
        ...shuffled(random, chosen).map(
          (host, i) =>
            [(chosen.length + i) * stepUs, () => linksOf(host).forEach((link) => link.heal())] as const,
        ),
      ].map(([delayUs, task]) => scheduler.schedule(delayUs, Phase.input, undefined, task));
      return () => {
        cancels.forEach((cancel) => cancel());
        chosen.flatMap(linksOf).forEach((link) => link.heal());
      };
    },
  };
}

function shuffled<T>(random: Random, items: readonly T[]): readonly T[] {
  const left = [...items];
  return items.map(() => left.splice(randomInteger(random, 0, left.length - 1), 1)[0]);
}

/**
 * A leader goes, and the first node that votes for another one loses its power as the vote leaves; a bit of what it has
 * promised flips before it comes back. Others may have counted that vote.
 */
function hardStateRots(cluster: StoreCluster): Fault {
  return {
    name: 'hard state rots',
    durationMs: [1_000, 5_000],
    begin: (random) => {
      const leader = leaderOf(cluster, random);
      if (leader?.machine.process === undefined) return undefined;
      const down: Server[] = [];
      const powerOff = (server: Server): void => {
        server.wanted = false;
        cluster.kill(server, 'power');
        down.push(server);
      };
      powerOff(leader);
      cluster.onVote = (voter) => {
        cluster.onVote = undefined;
        // Not inside the node's own turn.
        cluster.scheduler.schedule(0, Phase.input, undefined, () => {
          if (voter.machine.process === undefined) return;
          powerOff(voter);
          cluster.rotHardState(voter, random);
        });
      };
      return () => {
        cluster.onVote = undefined;
        down.forEach((server) => cluster.start(server));
      };
    },
  };
}

function diskFaults(cluster: StoreCluster): readonly Fault[] {
  const knob = <Name extends keyof DiskFaults>(
    name: string,
    durationMs: readonly [number, number],
    field: Name,
    value: number,
  ): Fault => ({
    name,
    durationMs,
    begin: (random) => {
      const { faults } = randomPick(random, cluster.servers).machine;
      faults[field] = value;
      return () => (faults[field] = noDiskFaults()[field]);
    },
  });
  const tableDamage = (name: string, damage: TableDamage): Fault => ({
    name,
    durationMs: [0, 0],
    begin: (random) =>
      cluster.rotTable(randomPick(random, cluster.servers), random, damage) ? () => undefined : undefined,
  });
  return [
    knob('slow disk', [500, 5_000], 'slowdown', 100),
    // A sync takes three quarters of a second, and one of fifty takes five.
    knob('disk hangs', [500, 3_000], 'slowdown', 3_000),
    knob('sync fails', [100, 1_000], 'syncErrors', 0.05),
    knob('write fails', [100, 1_000], 'writeErrors', 0.05),
    knob('read fails', [100, 1_000], 'readErrors', 0.05),
    {
      name: 'empty disk',
      durationMs: [10, 3_000],
      weight: 0.3,
      begin: (random) => {
        const server = randomPick(random, cluster.servers);
        return cluster.loseDisk(server) ? () => cluster.start(server) : undefined;
      },
    },
    {
      name: 'log rots',
      durationMs: [0, 0],
      begin: (random) =>
        cluster.rot(randomPick(random, cluster.servers), random) ? () => undefined : undefined,
    },
    hardStateRots(cluster),
    tableDamage('table rots', 'bit flip'),
    tableDamage('write of a table lost', 'lost write'),
    tableDamage('write of a table misdirected', 'misdirected write'),
    {
      name: 'disk full',
      durationMs: [500, 4_000],
      begin: (random) => {
        const { faults, disk } = randomPick(random, cluster.servers).machine;
        faults.capacityBytes = disk.usedBytes + randomInteger(random, 0, 64) * 1024;
        return () => (faults.capacityBytes = noDiskFaults().capacityBytes);
      },
    },
  ];
}
