import type { MetricsText } from '@holdfast/telemetry';

const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE', 'other'] as const;
const STATUS_MAX = 600;

/** Counts answers by method and status: one addition a request, read at the scrape. */
export class RequestCounters {
  readonly #counts = new Float64Array(METHODS.length * STATUS_MAX);

  count(method: string, status: number): void {
    const known = (METHODS as readonly string[]).indexOf(method);
    const row = known === -1 ? METHODS.length - 1 : known;
    const slot = row * STATUS_MAX + (status > 0 && status < STATUS_MAX ? status : 0);
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  addTo(metrics: MetricsText): void {
    const samples: { labels: { method: string; status: number }; value: number }[] = [];
    for (const [slot, value] of this.#counts.entries()) {
      if (value === 0) continue;
      const method = METHODS[Math.floor(slot / STATUS_MAX)] ?? 'other';
      samples.push({ labels: { method, status: slot % STATUS_MAX }, value });
    }
    metrics.add('counter', 'holdfast_http_requests_total', 'Answers, by method and status.', samples);
  }
}
