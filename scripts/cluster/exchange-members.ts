import { connect } from '@holdfast/client/node';
import { nodeId } from '@holdfast/io';
import { addressOf, type NodePorts, nodesUrl } from './layout.ts';

/**
 * Makes the running cluster consist of these nodes, in one step; nothing when it does. Every node that comes must run, as
 * one that joins. May be asked for again after it broke off.
 *
 * @throws HoldfastError when it is not done in time: the change goes on by itself.
 */
export async function exchangeMembers(
  nodes: readonly NodePorts[],
  clusterId: string,
  patienceMs: number,
): Promise<void> {
  await using client = await connect(nodesUrl(nodes), { clusterId });
  const { cluster } = client;
  // One that was begun before ends first: two at once are refused.
  await cluster.settled(patienceMs);
  const members = await cluster.members();
  const add = nodes
    .filter(({ id }) => !members.some((member) => member.id === id))
    .map((node) => ({ id: nodeId(node.id), address: addressOf(node) }));
  const remove = members.map(({ id }) => id).filter((id) => !nodes.some((node) => node.id === id));
  if (add.length + remove.length === 0) return;
  await cluster.change({ add, remove });
  await cluster.settled(patienceMs);
}
