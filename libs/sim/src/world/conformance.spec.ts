import { clockConformance, diskConformance, networkConformance } from '@holdfast/io/conformance';
import { LAN } from './network-link.ts';
import { Machine } from './machine.ts';
import { Scheduler } from './scheduler.ts';
import { SimDisk } from './sim-disk.ts';
import { SimNetwork } from './sim-network.ts';

/** A world of two machines whose time passes while a suite waits. */
function simulated(seed = 1) {
  const scheduler = new Scheduler();
  const network = new SimNetwork(scheduler, seed, LAN);
  const machine = (id: number) =>
    new Machine(scheduler, network, id, { host: `10.0.0.${id}`, seed: seed + id });
  const run = async <T>(work: Promise<T>): Promise<T> => {
    let settled = false;
    const mark = () => void (settled = true);
    work.then(mark, mark);
    await scheduler.runUntil(scheduler.nowUs + 600_000_000, () => settled);
    if (!settled) throw new Error('nothing is left to happen');
    return work;
  };
  return { machine, run };
}

clockConformance('SimClock', () => {
  const { machine, run } = simulated();
  return { clock: machine(1).start().clock, run };
});

networkConformance('SimNetwork', () => {
  const { machine, run } = simulated();
  const server = machine(1).start().network;
  const client = machine(2).start().network;
  return { server, client, anyAddress: '10.0.0.1:0', floodBytes: 4 * 1024 * 1024, run };
});

diskConformance('SimDisk without a timer', async () => {
  const disk = new SimDisk({ seed: 1 });
  await disk.makeDirectory('/data');
  return { disk, directory: '/data', maps: true, run: (work) => work };
});

diskConformance('SimDisk of a machine', async () => {
  const { machine, run } = simulated();
  const { disk } = machine(1).start();
  await run(disk.makeDirectory('data'));
  return { disk, directory: 'data', maps: (disk as SimDisk).mapMode === 'copy', run };
});
