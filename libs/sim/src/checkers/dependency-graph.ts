/** Edges of each node, by node number. */
export type Graph<Kind> = { readonly to: number; readonly kind: Kind }[][];

export interface Step<Kind> {
  readonly from: number;
  readonly kind: Kind;
}

/** Tarjan's strongly connected components (1972) of more than one node, iterative: histories are long. */
export function stronglyConnected<Kind>(graph: Graph<Kind>): readonly (readonly number[])[] {
  const order = new Int32Array(graph.length).fill(-1);
  const low = new Int32Array(graph.length);
  const onStack = new Uint8Array(graph.length);
  const nextEdge = new Int32Array(graph.length);
  const stack: number[] = [];
  const components: number[][] = [];
  let clock = 0;
  for (let root = 0; root < graph.length; root++) {
    if (order[root] >= 0) continue;
    const path = [root];
    while (path.length > 0) {
      const node = path[path.length - 1];
      if (order[node] < 0) {
        order[node] = low[node] = clock++;
        stack.push(node);
        onStack[node] = 1;
      }
      const edge = graph[node][nextEdge[node]++];
      if (edge !== undefined) {
        if (order[edge.to] < 0) path.push(edge.to);
        else if (onStack[edge.to] === 1) low[node] = Math.min(low[node], order[edge.to]);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low[parent] = Math.min(low[parent], low[node]);
      if (low[node] !== order[node]) continue;
      const component: number[] = [];
      for (let member = -1; member !== node;) {
        member = stack.pop() ?? node;
        onStack[member] = 0;
        component.push(member);
      }
      if (component.length > 1) components.push(component.reverse());
    }
  }
  return components;
}

/**
 * A shortest cycle within `members` over edges of the allowed kinds; with `first`, one that begins with an edge
 * of that kind and goes on over allowed ones.
 */
export function findCycle<Kind>(
  graph: Graph<Kind>,
  members: ReadonlySet<number>,
  allowed: ReadonlySet<Kind>,
  first?: Kind,
): readonly Step<Kind>[] | undefined {
  let best: readonly Step<Kind>[] | undefined;
  for (const start of members) {
    for (const { to, kind } of graph[start]) {
      if (!members.has(to) || (first === undefined ? !allowed.has(kind) : kind !== first)) continue;
      const back = shortestPath(graph, members, allowed, to, start);
      if (back === undefined || (best !== undefined && back.length + 1 >= best.length)) continue;
      best = [{ from: start, kind }, ...back];
    }
  }
  return best;
}

function shortestPath<Kind>(
  graph: Graph<Kind>,
  members: ReadonlySet<number>,
  allowed: ReadonlySet<Kind>,
  from: number,
  to: number,
): readonly Step<Kind>[] | undefined {
  const reachedBy = new Map<number, Step<Kind>>();
  const queue = [from];
  for (let at = 0; at < queue.length; at++) {
    const node = queue[at];
    if (node === to) {
      const path: Step<Kind>[] = [];
      for (let back = to; back !== from;) {
        const step = reachedBy.get(back);
        if (step === undefined) return undefined;
        path.push(step);
        back = step.from;
      }
      return path.reverse();
    }
    for (const edge of graph[node]) {
      if (!allowed.has(edge.kind) || !members.has(edge.to) || reachedBy.has(edge.to) || edge.to === from)
        continue;
      reachedBy.set(edge.to, { from: node, kind: edge.kind });
      queue.push(edge.to);
    }
  }
  return undefined;
}
