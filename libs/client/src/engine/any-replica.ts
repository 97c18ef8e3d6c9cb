import type { NodeId } from '@holdfast/io';
import type { NodeLink } from '../link/node-link.ts';
import type { Route } from '../routing/route.ts';
import type { LinkTable } from './link-table.ts';

/**
 * A link to a replica that takes a weak read now: the replicas in turn, but for the one to avoid. When none does, those
 * that are not connected are asked to connect.
 */
export function anyReplica(
  links: LinkTable,
  route: Route,
  avoid: NodeId | 0,
  nowMs: number,
): NodeLink | undefined {
  const { replicas } = route.range;
  const first = route.rotation++;
  for (let i = 0; i < replicas.length; i++) {
    const node = replicas[(first + i) % replicas.length];
    const link = node === avoid ? undefined : links.of(node);
    if (link?.ready === true && link.admit(nowMs)) return link;
  }
  for (const node of replicas) {
    const link = links.of(node);
    if (link?.state === 'idle' && link.admit(nowMs)) link.connect();
  }
  return undefined;
}
