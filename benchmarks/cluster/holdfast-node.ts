/**
 * One data node without NestJS: a process around the store's `Node`, with real files and sockets. What the framework
 * costs is the difference between this and the data node application.
 *
 * `node --conditions=source holdfast-node.ts <node id> <directory> <address>,<address>,…`
 *
 * Node `i` listens on the `i`-th address. Answers `status` messages of the parent process; SIGTERM stops it in order.
 */
import { nodeId, Prng } from '@holdfast/io';
import {
  FileDisk,
  LogWriter,
  nodeKernels,
  SystemClock,
  systemRandomSeed,
  TcpNetwork,
} from '@holdfast/io-node';
import { nodeCodecs, WorkerCompactor } from '@holdfast/lsm-node';
import { Node } from '@holdfast/store';
import { isProfileRequest, Profiling } from './profiling.ts';
import { CLUSTER_ID } from './systems/cluster-id.ts';

const [id, directory, addresses] = process.argv.slice(2);
if (id === undefined || directory === undefined || addresses === undefined) {
  throw new Error('usage: holdfast-node.ts <node id> <directory> <addresses>');
}
const members = addresses.split(',').map((address, i) => ({ id: nodeId(i + 1), address }));
const self = members[Number(id) - 1];
if (self === undefined) throw new Error(`no address for node ${id}`);

const clock = new SystemClock();
const node = await Node.open({
  disk: new FileDisk(new LogWriter()),
  network: new TcpNetwork(),
  clock,
  // As in the data node application: flushes and merges on threads of their own.
  tree: { compactor: new WorkerCompactor(), clock, options: { codecs: nodeCodecs } },
  random: new Prng(systemRandomSeed()),
  kernels: nodeKernels,
  directory,
  clusterId: CLUSTER_ID,
  nodeId: self.id,
  address: self.address,
  members,
  observer: {
    fatal(error) {
      console.error(error);
      process.exit(1);
    },
  },
});
await node.listen();

const profiling = new Profiling();
process.on('message', (message) => {
  if (message === 'status') process.send?.({ type: 'status', status: node.status() });
  else if (isProfileRequest(message)) void profiling.handle(message);
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => {
  void node.stop(1000).then(() => process.exit(0));
});
