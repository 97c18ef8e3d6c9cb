import type { Clock } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import { Controller, Get, Inject, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { callerOf } from './access-gate.ts';
import { CLOCK, USAGE_STORE } from './access-tokens.ts';
import { dayOf } from './accounts.ts';
import { readParameters } from './parameters.ts';
import { tenantSchema } from './principal.ts';
import { sumOfUsage } from './usage.ts';
import type { UsageStore } from './usage-store.ts';

const DAY_MS = 86_400_000;
const DAYS_DEFAULT = 30;

const querySchema = z.object({
  tenant: tenantSchema.optional(),
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
});

/** `/v1/usage`: what a tenant has used, by day (UTC). */
@Controller('v1/usage')
export class UsageController {
  readonly #store: UsageStore;
  readonly #clock: Clock;

  constructor(@Inject(USAGE_STORE) store: UsageStore, @Inject(CLOCK) clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Of the caller's own tenant; of others for administrators of the cluster. */
  @Get()
  async usage(@Req() request: FastifyRequest, @Query() query: unknown): Promise<Record<string, unknown>> {
    const caller = callerOf(request);
    const asked = readParameters(query, querySchema);
    const { tenant = caller.principal.tenant } = asked;
    if (tenant !== caller.principal.tenant) caller.permitCluster('admin');
    const nowMs = this.#clock.wallMs();
    const to = asked.to ?? dayOf(nowMs);
    const from = asked.from ?? dayOf(nowMs - DAYS_DEFAULT * DAY_MS);
    if (from > to) throw new HoldfastError('HF_BAD_REQUEST', { detail: 'from is after to' });
    const days = await this.#store.read(tenant, from, to);
    return {
      tenant,
      from,
      to,
      total: sumOfUsage(days.map(({ counts }) => counts)),
      days: days.map(({ day, counts }) => ({ day, ...counts })),
    };
  }
}
