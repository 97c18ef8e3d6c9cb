/**
 * Processor time of data nodes with many ranges and nothing to do, as a share of one core:
 * `node --conditions=source scripts/measure-idle-groups.ts [--groups 1000] [--seconds 10]`.
 * Three nodes in this process, over TCP and real files; the figure is that of one node.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { nodeId, Prng } from '@holdfast/io';
import { FileDisk, nodeKernels, SystemClock, systemRandomSeed, TcpNetwork } from '@holdfast/io-node';
import { Node } from '@holdfast/store';
import { freePorts } from './cluster/free-ports.ts';

const { values } = parseArgs({
  options: {
    groups: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    'quiesce-ticks': { type: 'string', default: '40' },
  },
});
const GROUPS = Number(values.groups);
const NODES = 3;
const FALL_ASLEEP_MS = 60_000;
const HOST = '127.0.0.1';

const directory = mkdtempSync(join(tmpdir(), 'holdfast-idle-'));
const ports = await freePorts(NODES);
const members = ports.map((port, i) => ({ id: nodeId(i + 1), address: `${HOST}:${port}` }));
// The first range is `meta`, and one lies before the first split.
const splits = Array.from({ length: GROUPS - 2 }, (_, i) => String(i).padStart(6, '0'));
let sent = 0;
const nodes = await Promise.all(
  members.map((member) =>
    Node.open({
      disk: new FileDisk(),
      network: new TcpNetwork(),
      clock: new SystemClock(),
      random: new Prng(systemRandomSeed()),
      kernels: nodeKernels,
      directory: join(directory, String(member.id)),
      clusterId: '1d1e1d1e1d1e1d1e1d1e1d1e1d1e1d1e',
      nodeId: member.id,
      address: member.address,
      members,
      settings: { splits, quiesceTicks: Number(values['quiesce-ticks']) },
      observer: { sent: () => sent++ },
    }),
  ),
);
for (const node of nodes) await node.listen();
const deadlineMs = performance.now() + FALL_ASLEEP_MS;
for (let before = -1; sent !== before && performance.now() < deadlineMs;) {
  before = sent;
  await delay(3000);
}

const sentBefore = sent;
const startMs = performance.now();
const cpu = process.cpuUsage();
await delay(Number(values.seconds) * 1000);
const { user, system } = process.cpuUsage(cpu);
const share = (user + system) / 1000 / (performance.now() - startMs) / NODES;
console.log(
  `${GROUPS} idle groups: ${(share * 100).toFixed(1)} % of one core per node, ${sent - sentBefore} messages in ${values.seconds} s`,
);
for (const node of nodes) await node.stop(0);
rmSync(directory, { recursive: true, force: true });
