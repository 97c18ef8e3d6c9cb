import type { KeyspacePurger, Keyspaces } from '@holdfast/client';
import { type DynamicModule, Module } from '@nestjs/common';
import { KEYSPACE_PURGER, KEYSPACES } from '../tokens.ts';
import { KeyspaceController } from './keyspace-controller.ts';

/** What the routes of keyspaces work on. */
export interface KeyspaceManagement {
  readonly keyspaces: Keyspaces;
  /** Told of every deletion. */
  readonly purger: Pick<KeyspacePurger, 'wake'>;
}

/** The routes by which keyspaces are managed. */
@Module({})
export class KeyspaceModule {
  static of({ keyspaces, purger }: KeyspaceManagement): DynamicModule {
    return {
      module: KeyspaceModule,
      controllers: [KeyspaceController],
      providers: [
        { provide: KEYSPACES, useValue: keyspaces },
        { provide: KEYSPACE_PURGER, useValue: purger },
      ],
    };
  }
}
