import { cpuUsage, memoryUsage, uptime } from 'node:process';
import type { MetricsText } from './metrics-text.ts';

/** What every process tells of itself, under the names that Prometheus' own clients use. */
export function addProcessMetrics(metrics: MetricsText): void {
  const { user, system } = cpuUsage();
  const { rss, heapUsed } = memoryUsage();
  metrics
    .add('gauge', 'process_uptime_seconds', 'Time since the process started.', [{ value: uptime() }])
    .add('counter', 'process_cpu_seconds_total', 'CPU time of all threads.', [
      { value: (user + system) / 1e6 },
    ])
    .add('gauge', 'process_resident_memory_bytes', 'Memory in RAM.', [{ value: rss }])
    .add('gauge', 'nodejs_heap_used_bytes', 'JavaScript heap in use.', [{ value: heapUsed }]);
}
