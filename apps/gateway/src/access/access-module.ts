import type { Clock } from '@holdfast/io';
import { type DynamicModule, Module } from '@nestjs/common';
import { API_KEY_RING, API_KEY_STORE, CLOCK, USAGE_STORE } from './access-tokens.ts';
import type { Accounts } from './accounts.ts';
import { ApiKeyController } from './api-key-controller.ts';
import type { ApiKeyRing } from './api-key-ring.ts';
import type { ApiKeyStore } from './api-key-store.ts';
import { UsageController } from './usage-controller.ts';
import type { UsageStore } from './usage-store.ts';

/** What the routes of access work on. */
export interface AccessManagement {
  readonly store: ApiKeyStore;
  readonly ring: ApiKeyRing;
  readonly accounts: Accounts;
  readonly usage: UsageStore;
  readonly clock: Clock;
}

/** The routes by which access is managed. */
@Module({})
export class AccessModule {
  static of({ store, ring, usage, clock }: AccessManagement): DynamicModule {
    return {
      module: AccessModule,
      controllers: [ApiKeyController, UsageController],
      providers: [
        { provide: API_KEY_STORE, useValue: store },
        { provide: API_KEY_RING, useValue: ring },
        { provide: USAGE_STORE, useValue: usage },
        { provide: CLOCK, useValue: clock },
      ],
    };
  }
}
