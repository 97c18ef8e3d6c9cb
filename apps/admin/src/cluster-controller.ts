import { type ClusterView, type NodeTarget, viewCluster } from '@holdfast/service';
import { Controller, Get, Inject } from '@nestjs/common';
import { NODE_TARGETS } from './tokens.ts';

/** A node that takes longer to report counts as down. */
const REPORT_MS_MAX = 1000;

/** The cluster as a whole. */
@Controller()
export class ClusterController {
  readonly #targets: readonly NodeTarget[];

  constructor(@Inject(NODE_TARGETS) targets: readonly NodeTarget[]) {
    this.#targets = targets;
  }

  /** Every node with its state, and the leader of every range, gathered at this moment. */
  @Get('v1/cluster')
  cluster(): Promise<ClusterView> {
    return viewCluster(this.#targets, REPORT_MS_MAX);
  }

  /** The process works. */
  @Get('healthz')
  health(): { readonly status: string } {
    return { status: 'ok' };
  }

  /** The process depends on nothing that could make it unready: a dead node is a fact that it reports. */
  @Get('readyz')
  ready(): { readonly status: string } {
    return { status: 'ready' };
  }
}
