import type { Clock } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import { Controller, Delete, Get, Header, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { readJsonBody } from '../json-body.ts';
import { callerOf } from './access-gate.ts';
import { describeApiKey, newApiKeySchema, newRecord } from './api-key-record.ts';
import type { ApiKeyRing } from './api-key-ring.ts';
import type { ApiKeyStore } from './api-key-store.ts';
import { readParameters } from './parameters.ts';
import { digestOf, newApiKey } from './token.ts';
import { API_KEY_RING, API_KEY_STORE, CLOCK } from './access-tokens.ts';

const BODY_BYTES_MAX = 64 * 1024;
const API_KEY_ID = /^[0-9a-f]{16}$/;
const PAGE_MAX = 1000;
const pageSchema = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  after: z.string().max(64).optional(),
});

/** `/v1/api-keys`: for administrators of the cluster alone. */
@Controller('v1/api-keys')
export class ApiKeyController {
  readonly #store: ApiKeyStore;
  readonly #ring: ApiKeyRing;
  readonly #clock: Clock;

  constructor(
    @Inject(API_KEY_STORE) store: ApiKeyStore,
    @Inject(API_KEY_RING) ring: ApiKeyRing,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.#store = store;
    this.#ring = ring;
    this.#clock = clock;
  }

  /** The only answer that ever holds the key. */
  @Post()
  @HttpCode(201)
  @Header('cache-control', 'no-store')
  async create(@Req() request: FastifyRequest): Promise<Record<string, unknown>> {
    callerOf(request).permitCluster('admin');
    const asked = readJsonBody(request, newApiKeySchema, { bytesMax: BODY_BYTES_MAX });
    const { id, token } = newApiKey();
    const nowMs = this.#clock.wallMs();
    const record = newRecord(id, digestOf(token), asked, nowMs);
    await this.#store.create(record);
    this.#ring.forget(id);
    return { ...describeApiKey(record, nowMs), key: token };
  }

  @Get()
  async list(@Req() request: FastifyRequest, @Query() query: unknown): Promise<Record<string, unknown>> {
    callerOf(request).permitCluster('admin');
    const { limit, after } = readParameters(query, pageSchema);
    const records = await this.#store.list(after, limit + 1);
    const nowMs = this.#clock.wallMs();
    const page = records.slice(0, limit);
    return {
      keys: page.map((record) => describeApiKey(record, nowMs)),
      ...(records.length > limit ? { next: page.at(-1)?.id } : {}),
    };
  }

  @Get(':id')
  async describe(@Req() request: FastifyRequest, @Param('id') id: string): Promise<Record<string, unknown>> {
    callerOf(request).permitCluster('admin');
    const record = await this.#store.find(known(id));
    if (record === undefined) throw new HoldfastError('HF_NOT_FOUND');
    return describeApiKey(record, this.#clock.wallMs());
  }

  /** Revokes: refused by this gateway at once, by the others within API_KEY_FRESH_MS. */
  @Delete(':id')
  async revoke(@Req() request: FastifyRequest, @Param('id') id: string): Promise<Record<string, unknown>> {
    callerOf(request).permitCluster('admin');
    const nowMs = this.#clock.wallMs();
    const record = await this.#store.revoke(known(id), nowMs);
    this.#ring.forget(id);
    return describeApiKey(record, nowMs);
  }
}

/** What cannot be an id is that of no key. @throws HoldfastError HF_NOT_FOUND. */
function known(id: string): string {
  if (!API_KEY_ID.test(id)) throw new HoldfastError('HF_NOT_FOUND');
  return id;
}
