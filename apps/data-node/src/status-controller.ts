import type { NodeReport } from '@holdfast/service';
import type { Node } from '@holdfast/store';
import { METRICS_CONTENT_TYPE } from '@holdfast/telemetry';
import { Controller, Get, Header, HttpCode, HttpException, Inject } from '@nestjs/common';
import { nodeMetrics } from './node-metrics.ts';
import { nodeReport } from './node-report.ts';
import type { Refusals } from './refusals.ts';
import { NODE, REFUSALS } from './tokens.ts';

/** What operators, load balancers and the admin app ask a node. */
@Controller()
export class StatusController {
  readonly #node: Node;
  readonly #refusals: Refusals;

  constructor(@Inject(NODE) node: Node, @Inject(REFUSALS) refusals: Refusals) {
    this.#node = node;
    this.#refusals = refusals;
  }

  /** The process works. */
  @Get('healthz')
  health(): { readonly status: string } {
    return { status: 'ok' };
  }

  /** The node serves, and knows a leader of every range. */
  @Get('readyz')
  ready(): { readonly status: string } {
    const { ready, state, ranges } = this.#node.status();
    if (ready) return { status: 'ready' };
    const leaderless = ranges.filter(({ leader }) => leader === 0).map(({ id }) => id);
    throw new HttpException({ status: 'not ready', state, leaderless }, 503);
  }

  @Get('status')
  status(): NodeReport {
    return nodeReport(this.#node);
  }

  @Get('metrics')
  @HttpCode(200)
  @Header('content-type', METRICS_CONTENT_TYPE)
  metrics(): string {
    return nodeMetrics(this.#node.status(), this.#refusals.counts);
  }
}
