import type { Client } from '@holdfast/client';

/** What the gateway asks of its client. */
export type StoreClient = Pick<Client, 'submit' | 'execute' | 'pendingOps'>;

/** What watches ask of it. */
export type WatchClient = Pick<Client, 'watch'>;
