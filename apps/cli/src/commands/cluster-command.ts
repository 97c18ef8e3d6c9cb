import { type Client, type Cluster, type ClusterMember, type MembershipChange } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { nodeId } from '@holdfast/io';
import Table from 'cli-table3';
import { type Command, InvalidArgumentError } from 'commander';
import { connectionOptions, type ConnectionOptions, nodeOptions, targetOf } from '../connection.ts';
import type { Output } from '../output.ts';
import { told } from '../store/node-store.ts';
import { duration, UsageError, wholeNumber } from '../usage-error.ts';

interface ChangeOptions extends ConnectionOptions {
  /** How long to wait for the end of the change, in milliseconds; 0 = not at all. */
  readonly wait: number;
}
interface AddOptions extends ChangeOptions {
  readonly replace?: number;
}

const WAIT_DEFAULT = '10m';
const id = wholeNumber(1, 0xffff_ffff);

/** `cluster`: who belongs to it. Data nodes alone offer this. */
export function addClusterCommand(program: Command, output: Output): void {
  const cluster = program
    .command('cluster')
    .description('show and change the nodes of the cluster (--url holdfast://…)');

  connectionOptions(cluster.command('members'))
    .description('show the nodes')
    .action((options: ConnectionOptions) =>
      withCluster(options, async (nodes) => show(await nodes.members(), options, output)),
    );

  changeOptions(cluster.command('add'))
    .description('add a node: it is started with HOLDFAST_JOIN=true and an empty directory')
    .argument('<id>', 'its id, never used before', id)
    .argument('<address>', 'where nodes and clients reach it: host:port', address)
    .option('--replace <id>', 'a node that leaves in the same step', id)
    .action((node: number, at: string, options: AddOptions) =>
      change({ add: [{ id: nodeId(node), address: at }], remove: idsOf(options.replace) }, options, output),
    );

  changeOptions(cluster.command('remove'))
    .description('take a node out, running or not; its id is never used again')
    .argument('<id>', 'its id', id)
    .action((node: number, options: ChangeOptions) => change({ remove: idsOf(node) }, options, output));

  changeOptions(cluster.command('cancel'))
    .description('take back a change that is not over')
    .action((options: ChangeOptions) =>
      withCluster(options, async (nodes) => {
        await nodes.cancelChange();
        await seeThrough(nodes, options, output);
      }),
    );
}

function changeOptions(command: Command): Command {
  return connectionOptions(command).option(
    '--wait <time>',
    'wait this long for the end of the change, 0s = not at all; it goes on by itself in any case',
    duration,
    duration(WAIT_DEFAULT),
  );
}

async function change(wanted: MembershipChange, options: ChangeOptions, output: Output): Promise<void> {
  await withCluster(options, async (nodes) => {
    await nodes.change(wanted);
    await seeThrough(nodes, options, output);
  });
}

async function seeThrough(nodes: Cluster, options: ChangeOptions, output: Output): Promise<void> {
  if (options.wait > 0) await nodes.settled(options.wait);
  show(await nodes.members(), options, output);
}

function show(members: readonly ClusterMember[], { json }: ConnectionOptions, output: Output): void {
  if (json === true) {
    output.json({ members });
    return;
  }
  const table = new Table({ head: ['node', 'state', 'address'] });
  for (const member of members) table.push([member.id, member.state, member.address]);
  output.line(table.toString());
}

async function withCluster(
  options: ConnectionOptions,
  work: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  const target = targetOf(options, process.env);
  const { url } = target;
  if (!url.startsWith('holdfast:')) {
    throw new UsageError('this command talks to data nodes: --url holdfast://host:port');
  }
  await using client: Client = await told(connect(url, nodeOptions(target)));
  await told(work(client.cluster));
}

function idsOf(node: number | undefined): MembershipChange['remove'] {
  return node === undefined ? [] : [nodeId(node)];
}

function address(text: string): string {
  if (/^\S+:\d{1,5}$/.test(text)) return text;
  throw new InvalidArgumentError('host:port.');
}
