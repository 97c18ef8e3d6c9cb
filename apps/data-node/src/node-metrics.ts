import type { NodeStatus, RangeStatus } from '@holdfast/store';
import { addProcessMetrics, MetricsText } from '@holdfast/telemetry';

/** The node's state as Prometheus metrics. */
export function nodeMetrics(
  { id, ready, ranges, connected, requestsInFlight }: NodeStatus,
  refusals: ReadonlyMap<string, number>,
): string {
  const metrics = new MetricsText();
  const perRange = (value: (range: RangeStatus) => number) =>
    ranges.map((range) => ({ labels: { range: range.id }, value: value(range) }));
  metrics
    .add('gauge', 'holdfast_node_info', 'Always 1; the label names the node.', [
      { labels: { node: id }, value: 1 },
    ])
    .add('gauge', 'holdfast_node_ready', '1 when the node serves and every range has a leader.', [
      { value: Number(ready) },
    ])
    .add('gauge', 'holdfast_node_peers_connected', 'Peers to which a connection stands.', [
      { value: connected.length },
    ])
    .add('gauge', 'holdfast_node_requests_in_flight', 'Batches that are not answered yet.', [
      { value: requestsInFlight },
    ])
    .add(
      'counter',
      'holdfast_node_connections_refused_total',
      'Connections closed for what they sent, or refused at the handshake; the label is a violation, a code, or tls.',
      [...refusals].map(([reason, value]) => ({ labels: { reason }, value })),
    )
    .add(
      'gauge',
      'holdfast_range_leader',
      '1 when this node leads the range.',
      perRange(({ role }) => Number(role === 'leader')),
    )
    .add(
      'gauge',
      'holdfast_range_term',
      'Raft term of the range.',
      perRange(({ term }) => term),
    )
    .add(
      'gauge',
      'holdfast_range_commit_index',
      'Last committed entry.',
      perRange(({ commit }) => commit),
    )
    .add(
      'gauge',
      'holdfast_range_applied_index',
      'Last applied entry.',
      perRange(({ applied }) => applied),
    )
    .add(
      'gauge',
      'holdfast_range_last_index',
      'Last entry of the log.',
      perRange(({ last }) => last),
    );
  addProcessMetrics(metrics);
  return metrics.toString();
}
