/**
 * A data node without its framework: the store over real files and sockets, with the settings of the data node's
 * variables. It exists for what the app does not offer: small memtables, segments and logs, so that a minute of
 * load sees flushes, compactions, dropped segments and snapshots; and planted bugs.
 */
import { createServer } from 'node:http';
import { nodeId, Prng } from '@holdfast/io';
import { FileDisk, nodeKernels, SystemClock, systemRandomSeed, TcpNetwork } from '@holdfast/io-node';
import { Node, type NodeSettings } from '@holdfast/store';
import { STORE_SETTINGS_VARIABLE } from './store-settings.ts';

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
}

function end(reason: string, error: unknown): never {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(`${reason}: ${text}`);
  process.exit(1);
}

process.on('uncaughtException', (error) => end('unexpected error', error));
process.on('unhandledRejection', (error) => end('unhandled rejection', error));

try {
  const members = setting('HOLDFAST_MEMBERS')
    .split(',')
    .map((member) => member.split('='))
    .map(([id, address = '']) => ({ id: nodeId(Number(id)), address }));
  const node = await Node.open({
    disk: new FileDisk(),
    network: new TcpNetwork(),
    clock: new SystemClock(),
    random: new Prng(systemRandomSeed()),
    kernels: nodeKernels,
    directory: setting('HOLDFAST_DATA_DIRECTORY'),
    clusterId: setting('HOLDFAST_CLUSTER_ID'),
    nodeId: nodeId(Number(setting('HOLDFAST_NODE_ID'))),
    address: setting('HOLDFAST_ADDRESS'),
    members,
    settings: JSON.parse(setting(STORE_SETTINGS_VARIABLE)) as Partial<NodeSettings>,
    observer: { fatal: (error) => end('the node can not go on', error) },
    agent: 'holdfast-plain-node',
  });
  await node.listen();
  const status = createServer((_, response) => response.end(JSON.stringify(node.status())));
  status.listen(Number(setting('HOLDFAST_HTTP_PORT')), '127.0.0.1');
  process.once('SIGTERM', () => {
    node.stop().then(
      () => process.exit(0),
      (error: unknown) => end('could not stop', error),
    );
  });
} catch (error) {
  end('could not start', error);
}
