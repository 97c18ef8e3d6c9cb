import type { CallOptions, KeyspaceInfo, KeyspacePurger, Keyspaces } from '@holdfast/client';
import { HoldfastError, isKeyspaceName, KEYSPACE_NAME_BYTES_MAX } from '@holdfast/wire';
import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { callerOf } from '../access/access-gate.ts';
import { readParameters } from '../access/parameters.ts';
import { readJsonBody } from '../json-body.ts';
import { deadlineMs, single } from '../request-options.ts';
import { KEYSPACE_PURGER, KEYSPACES } from '../tokens.ts';
import { keyspaceJson, keyspaceSettingsSchema, newKeyspaceSchema, settingsOf } from './keyspace-schema.ts';

const BODY = { bytesMax: 16 * 1024 };
const PAGE_MAX = 1000;
const pageSchema = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  after: z.string().max(KEYSPACE_NAME_BYTES_MAX).optional(),
});

type Described = ReturnType<typeof keyspaceJson>;

/**
 * `/v1/keyspaces`: made by administrators of the cluster, changed and deleted by those of the keyspace, seen by everyone
 * to whom something in it is granted.
 */
@Controller('v1/keyspaces')
export class KeyspaceController {
  readonly #keyspaces: Keyspaces;
  readonly #purger: Pick<KeyspacePurger, 'wake'>;

  constructor(
    @Inject(KEYSPACES) keyspaces: Keyspaces,
    @Inject(KEYSPACE_PURGER) purger: Pick<KeyspacePurger, 'wake'>,
  ) {
    this.#keyspaces = keyspaces;
    this.#purger = purger;
  }

  @Post()
  async create(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Described> {
    callerOf(request).permitCluster('admin');
    const { name, ...settings } = readJsonBody(request, newKeyspaceSchema, BODY);
    const info = await this.#keyspaces.create(name, settingsOf(settings), optionsOf(request));
    void reply.header('location', `/v1/keyspaces/${name}`);
    return keyspaceJson(info);
  }

  @Get()
  async list(@Req() request: FastifyRequest, @Query() query: unknown): Promise<Record<string, unknown>> {
    const caller = callerOf(request);
    const { limit, after = '' } = readParameters(query, pageSchema);
    const all = await this.#keyspaces.list(optionsOf(request));
    const seen = all.filter(({ name }) => name > after && caller.maySee(name));
    const page = seen.slice(0, limit);
    return {
      keyspaces: page.map((info) => keyspaceJson(info)),
      ...(seen.length > limit ? { next: page.at(-1)?.name } : {}),
    };
  }

  @Get(':name')
  async describe(@Req() request: FastifyRequest, @Param('name') name: string): Promise<Described> {
    if (!callerOf(request).maySee(name)) throw new HoldfastError('HF_KEYSPACE_NOT_FOUND');
    const options = optionsOf(request);
    const info = await this.#known(name, options);
    const isGoing = info.state === 'deleting';
    return keyspaceJson(info, isGoing ? await this.#keyspaces.keysLeft(info, options) : undefined);
  }

  @Patch(':name')
  async update(@Req() request: FastifyRequest, @Param('name') name: string): Promise<Described> {
    callerOf(request).permitKeyspace('admin', name);
    const settings = readJsonBody(request, keyspaceSettingsSchema, BODY);
    const options = optionsOf(request);
    await this.#known(name, options);
    return keyspaceJson(await this.#keyspaces.update(name, settingsOf(settings), options));
  }

  /** Hidden from everybody when this answers; the values go afterwards, and the keyspace is `deleting` until then. */
  @Delete(':name')
  @HttpCode(202)
  async delete(
    @Req() request: FastifyRequest,
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Described> {
    callerOf(request).permitKeyspace('admin', name);
    const options = optionsOf(request);
    const before = await this.#known(name, options);
    if (before.state === 'active') await this.#keyspaces.delete(name, options);
    // Somebody else may have removed it to the end meanwhile.
    const after = (await this.#keyspaces.describe(name, options)) ?? { ...before, state: 'deleting' };
    this.#purger.wake();
    void reply.header('location', `/v1/keyspaces/${name}`);
    return keyspaceJson(after);
  }

  /** What cannot be a name is that of no keyspace. @throws HoldfastError HF_KEYSPACE_NOT_FOUND. */
  async #known(name: string, options: CallOptions): Promise<KeyspaceInfo> {
    const info = isKeyspaceName(name) ? await this.#keyspaces.describe(name, options) : undefined;
    if (info === undefined) throw new HoldfastError('HF_KEYSPACE_NOT_FOUND');
    return info;
  }
}

function optionsOf({ headers }: FastifyRequest): CallOptions {
  return { deadlineMs: deadlineMs(single(headers['holdfast-deadline-ms'], 'Holdfast-Deadline-Ms')) };
}
