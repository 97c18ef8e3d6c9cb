import { type NodeReport, nodeReportSchema } from './node-report.ts';

/** Where the report of a node is asked for. */
export interface NodeTarget {
  readonly id: number;
  /** `http://127.0.0.1:7721`. */
  readonly url: string;
}

/** A node as it is seen from outside; `down` when it gives no report. */
export interface NodeView {
  readonly id: number;
  readonly url: string;
  readonly state: NodeReport['state'] | 'down';
  readonly ready: boolean;
  readonly pid?: number;
  readonly address?: string;
  readonly report?: NodeReport;
}

export interface RangeView {
  readonly id: number;
  /** The node that leads it; 0 when no node that answers says it does. */
  readonly leader: number;
  readonly term: number;
}

export interface ClusterView {
  readonly nodes: readonly NodeView[];
  readonly ranges: readonly RangeView[];
}

/** Asks every node for its report, all at once, and puts together what they say. Never throws for a dead node. */
export async function viewCluster(targets: readonly NodeTarget[], timeoutMs: number): Promise<ClusterView> {
  const nodes = await Promise.all(targets.map((target) => viewNode(target, timeoutMs)));
  return { nodes, ranges: rangesOf(nodes) };
}

async function viewNode({ id, url }: NodeTarget, timeoutMs: number): Promise<NodeView> {
  try {
    const response = await fetch(`${url}/status`, { signal: AbortSignal.timeout(timeoutMs) });
    const report = nodeReportSchema.parse(await response.json());
    const { state, ready, pid, address } = report;
    return { id, url, state, ready, pid, address, report };
  } catch {
    return { id, url, state: 'down', ready: false };
  }
}

/** A range is led by the node that says so itself, in the highest term: an old leader may not know better yet. */
export function rangesOf(nodes: readonly Pick<NodeView, 'id' | 'report'>[]): readonly RangeView[] {
  const ranges = new Map<number, { leader: number; term: number; ledIn: number }>();
  for (const { id: node, report } of nodes) {
    for (const { id, role, term } of report?.ranges ?? []) {
      const range = ranges.get(id) ?? { leader: 0, term: 0, ledIn: -1 };
      range.term = Math.max(range.term, term);
      if (role === 'leader' && term > range.ledIn) {
        range.leader = node;
        range.ledIn = term;
      }
      ranges.set(id, range);
    }
  }
  return [...ranges].map(([id, { leader, term }]) => ({ id, leader, term })).toSorted((a, b) => a.id - b.id);
}
