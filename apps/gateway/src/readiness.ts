import type { Operation } from '@holdfast/client';
import { keyspaceId, utf8 } from '@holdfast/io';
import { Consistency, OpKind } from '@holdfast/wire';
import type { StoreClient } from './store-client.ts';

/** A probe that takes longer says "not ready". */
const PROBE_MS_MAX = 1000;
/** Answers of this age are given again, so that probes of many load balancers cost one. */
const AGE_MS_MAX = 250;

/** The cluster's own range and the first one of the default keyspace. */
const PROBES: readonly Operation[] = [
  { kind: OpKind.getRevision, keyspace: keyspaceId(0), key: utf8('keyspace/default') },
  { kind: OpKind.getRevision, keyspace: 'default', key: utf8('\0') },
];

export interface Verdict {
  readonly ready: boolean;
  readonly reason?: string;
}

/** Whether requests make sense here: the range map is known and strong reads find a quorum. */
export class Readiness {
  readonly #client: StoreClient;
  #draining = false;
  #verdict: Promise<Verdict> | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(client: StoreClient) {
    this.#client = client;
  }

  /** From now on: not ready. */
  drain(): void {
    this.#draining = true;
  }

  verdict(): Promise<Verdict> {
    if (this.#draining) return Promise.resolve({ ready: false, reason: 'draining' });
    const nowMs = performance.now();
    if (this.#verdict === undefined || nowMs - this.#askedAtMs > AGE_MS_MAX) {
      this.#askedAtMs = nowMs;
      this.#verdict = this.#probe();
    }
    return this.#verdict;
  }

  async #probe(): Promise<Verdict> {
    try {
      await Promise.all(
        PROBES.map((probe) =>
          this.#client.execute({ ...probe, consistency: Consistency.strong, deadlineMs: PROBE_MS_MAX }),
        ),
      );
      return { ready: true };
    } catch (error) {
      return { ready: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }
}
