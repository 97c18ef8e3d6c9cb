import { addProcessMetrics, METRICS_CONTENT_TYPE, MetricsText } from '@holdfast/telemetry';
import { HoldfastError } from '@holdfast/wire';
import { Controller, Get, Header, Inject } from '@nestjs/common';
import type { Readiness } from './readiness.ts';
import type { RequestCounters } from './request-counters.ts';
import { CLIENT, COUNTERS, READINESS } from './tokens.ts';
import type { StoreClient } from './store-client.ts';

/** What operators and load balancers ask. */
@Controller()
export class HealthController {
  readonly #client: StoreClient;
  readonly #readiness: Readiness;
  readonly #counters: RequestCounters;

  constructor(
    @Inject(CLIENT) client: StoreClient,
    @Inject(READINESS) readiness: Readiness,
    @Inject(COUNTERS) counters: RequestCounters,
  ) {
    this.#client = client;
    this.#readiness = readiness;
    this.#counters = counters;
  }

  /** The process works. */
  @Get('healthz')
  health(): { readonly status: string } {
    return { status: 'ok' };
  }

  /** The range map is known, a quorum answers, and the process is not stopping. */
  @Get('readyz')
  async ready(): Promise<{ readonly status: string }> {
    const { ready, reason } = await this.#readiness.verdict();
    if (!ready) throw new HoldfastError('HF_UNAVAILABLE', { detail: reason ?? 'not ready' });
    return { status: 'ready' };
  }

  @Get('metrics')
  @Header('content-type', METRICS_CONTENT_TYPE)
  metrics(): string {
    const metrics = new MetricsText();
    this.#counters.addTo(metrics);
    metrics.add('gauge', 'holdfast_client_pending_ops', 'Operations under way to the data nodes.', [
      { value: this.#client.pendingOps },
    ]);
    addProcessMetrics(metrics);
    return metrics.toString();
  }
}
