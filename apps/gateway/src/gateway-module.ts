import { ProblemFilter } from '@holdfast/service';
import type { Logger } from '@holdfast/telemetry';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { type AccessManagement, AccessModule } from './access/access-module.ts';
import { HealthController } from './health-controller.ts';
import { type KeyspaceManagement, KeyspaceModule } from './keyspaces/keyspace-module.ts';
import type { Readiness } from './readiness.ts';
import type { RequestCounters } from './request-counters.ts';
import { errorAtRoute } from './routing-error.ts';
import { CLIENT, COUNTERS, READINESS } from './tokens.ts';
import type { StoreClient } from './store-client.ts';

export interface GatewayParts {
  readonly client: StoreClient;
  readonly readiness: Readiness;
  readonly counters: RequestCounters;
  readonly log: Logger;
  readonly management?: AccessManagement | undefined;
  readonly keyspaces?: KeyspaceManagement | undefined;
}

/** What NestJS needs to know; the objects themselves are made in the composition root. */
@Module({})
export class GatewayModule {
  static of({ client, readiness, counters, log, management, keyspaces }: GatewayParts): DynamicModule {
    return {
      module: GatewayModule,
      imports: [
        ...(management === undefined ? [] : [AccessModule.of(management)]),
        ...(keyspaces === undefined ? [] : [KeyspaceModule.of(keyspaces)]),
      ],
      controllers: [HealthController],
      providers: [
        { provide: CLIENT, useValue: client },
        { provide: READINESS, useValue: readiness },
        { provide: COUNTERS, useValue: counters },
        { provide: APP_FILTER, useValue: new ProblemFilter(log, errorAtRoute) },
      ],
    };
  }
}
