/**
 * A node for Maelstrom (https://github.com/jepsen-io/maelstrom): the real store and client in a process that knows
 * nothing but JSON messages on stdin and stdout. What nodes say to each other travels as frames in base64 inside
 * messages of type `holdfast`. The disk is one of memory: Maelstrom does not restart processes.
 *
 *   maelstrom test -w lin-kv --bin tests/maelstrom/lin-kv --node-count 3 --nemesis partition
 */
import { createInterface } from 'node:readline';
import { Client } from '@holdfast/client';
import { nodeId, Prng } from '@holdfast/io';
import { SystemClock, systemRandomSeed } from '@holdfast/io-node';
import { SimDisk } from '@holdfast/sim';
import { Node } from '@holdfast/store';
import { MessageNetwork } from '../network/message-network.ts';
import { packetOf } from '../network/packet.ts';
import { LinKv, type LinKvRequest } from './lin-kv.ts';

const CLUSTER_ID = '4d61656c7374726f6d00000000000000';
const PORT = 7711;
const MESSAGE_TYPE = 'holdfast';

interface Message {
  readonly src: string;
  readonly dest: string;
  readonly body: LinKvRequest & {
    readonly msg_id?: number;
    readonly node_id?: string;
    readonly node_ids?: readonly string[];
    readonly packet?: unknown;
  };
}

let self = '';
let network: MessageNetwork | undefined;
let kv: LinKv | undefined;

function send(dest: string, body: object): void {
  process.stdout.write(`${JSON.stringify({ src: self, dest, body })}\n`);
}

async function begin(name: string, names: readonly string[]): Promise<void> {
  self = name;
  const clock = new SystemClock();
  const random = new Prng(systemRandomSeed());
  const streams = new MessageNetwork({
    host: name,
    life: String(random.nextU32()),
    clock,
    send: (to, packet) => {
      // Nobody carries a message to its sender.
      if (to === name) setImmediate(() => streams.receive(name, packet));
      else send(to, { type: MESSAGE_TYPE, packet });
    },
  });
  network = streams;
  const members = names.map((host, i) => ({ id: nodeId(i + 1), address: `${host}:${PORT}` }));
  const node = await Node.open({
    disk: new SimDisk({ seed: random.nextU32() }),
    network: streams,
    clock,
    random: random.fork(),
    directory: 'data',
    clusterId: CLUSTER_ID,
    nodeId: nodeId(names.indexOf(name) + 1),
    address: `${name}:${PORT}`,
    members,
    observer: { fatal: (error) => end(error) },
    agent: 'holdfast-maelstrom',
  });
  await node.listen();
  const seeds = members.map(({ address }) => address);
  const client = new Client({
    network: streams,
    clock,
    random: random.fork(),
    seeds,
    clusterId: CLUSTER_ID,
  });
  kv = new LinKv(client);
}

async function receive({ src, body }: Message): Promise<void> {
  if (body.type === MESSAGE_TYPE) {
    const packet = packetOf(body.packet);
    if (packet !== undefined) network?.receive(src, packet);
    return;
  }
  const reply = { in_reply_to: body.msg_id };
  if (body.type === 'init') {
    await begin(body.node_id ?? '', body.node_ids ?? []);
    send(src, { type: 'init_ok', ...reply });
  } else if (kv !== undefined) {
    send(src, { ...(await kv.answer(body)), ...reply });
  }
}

function end(error: unknown): never {
  console.error(error);
  process.exit(1);
}

process.on('unhandledRejection', end);
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void receive(JSON.parse(line) as Message).catch(end));
lines.on('close', () => process.exit(0));
