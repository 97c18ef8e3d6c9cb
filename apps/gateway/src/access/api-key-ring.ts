import type { Clock } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import { type ApiKeyRecord, isUsable, principalOf } from './api-key-record.ts';
import type { ApiKeyStore } from './api-key-store.ts';
import type { TokenSource } from './authenticator.ts';
import { Caller } from './caller.ts';
import { apiKeyId, sameDigest, type TokenDigest } from './token.ts';

/** What was read longer ago is read again before it is believed: a revoked key works at most this long, in milliseconds. */
export const API_KEY_FRESH_MS = 5000;
/** After this it is read again by the way, so that a key in use never waits. */
const REFRESH_AFTER_MS = 2500;
/** While the store cannot be asked, what was read up to this long ago is believed. */
export const API_KEY_STALE_MS = 60_000;
/** After a failed question, none is asked for this long. */
const RETRY_AFTER_MS = 1000;
/** Longest wait for the store. */
const LOOKUP_MS_MAX = 1000;
/** Keys remembered; the one that was learned first goes first. */
const KNOWN_MAX = 10_000;
/** Ids remembered that no key has. Apart, so that guesses drive no key out. */
const UNKNOWN_MAX = 10_000;
/** Questions to the store at the same time: a flood of guesses must not become one of reads. */
const LOOKUPS_MAX = 64;

interface Entry {
  record: ApiKeyRecord;
  digest: TokenDigest;
  caller: Caller;
  readAtMs: number;
  retryAtMs: number;
}

/** API keys with a memory: a request with a key that was seen lately asks nobody. */
export class ApiKeyRing implements TokenSource {
  readonly #store: Pick<ApiKeyStore, 'find'>;
  readonly #clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;
  readonly #known = new Map<string, Entry>();
  /** Until when an id is known to be nobody's. */
  readonly #unknown = new Map<string, number>();
  readonly #lookups = new Map<string, Promise<Entry | undefined>>();

  constructor(store: Pick<ApiKeyStore, 'find'>, clock: Pick<Clock, 'wallMs' | 'monotonicMs'>) {
    this.#store = store;
    this.#clock = clock;
  }

  find(token: string, digest: TokenDigest): Caller | undefined | Promise<Caller | undefined> {
    const id = apiKeyId(token);
    if (id === undefined) return undefined;
    const nowMs = this.#clock.monotonicMs();
    const entry = this.#known.get(id);
    if (entry === undefined) {
      if ((this.#unknown.get(id) ?? 0) > nowMs) return undefined;
      return this.#lookup(id).then((found) => this.#admit(found, digest));
    }
    const ageMs = nowMs - entry.readAtMs;
    if (ageMs < REFRESH_AFTER_MS) return this.#admit(entry, digest);
    const mayAsk = nowMs >= entry.retryAtMs;
    if (ageMs < API_KEY_FRESH_MS) {
      if (mayAsk) this.#lookup(id).catch(() => undefined);
      return this.#admit(entry, digest);
    }
    const stale = ageMs < API_KEY_STALE_MS ? entry : undefined;
    if (!mayAsk && stale !== undefined) return this.#admit(stale, digest);
    return this.#lookup(id).then(
      (found) => this.#admit(found, digest),
      (error: unknown) => {
        if (stale === undefined) throw error;
        return this.#admit(stale, digest);
      },
    );
  }

  /** This gateway has changed the key: the next request with it asks the store. */
  forget(id: string): void {
    this.#known.delete(id);
    this.#unknown.delete(id);
    this.#lookups.delete(id);
  }

  #admit(entry: Entry | undefined, digest: TokenDigest): Caller | undefined {
    if (entry === undefined || !sameDigest(entry.digest, digest)) return undefined;
    return isUsable(entry.record, this.#clock.wallMs()) ? entry.caller : undefined;
  }

  /** One question per id at a time. */
  #lookup(id: string): Promise<Entry | undefined> {
    const running = this.#lookups.get(id);
    if (running !== undefined) return running;
    if (this.#lookups.size >= LOOKUPS_MAX) {
      return Promise.reject(new HoldfastError('HF_OVERLOADED', { retryAfterMs: RETRY_AFTER_MS }));
    }
    const lookup: Promise<Entry | undefined> = this.#read(id, () => this.#lookups.get(id) === lookup);
    this.#lookups.set(id, lookup);
    return lookup;
  }

  /** @param current false when the key was changed while the answer was on its way: it may be older than the change. */
  async #read(id: string, current: () => boolean): Promise<Entry | undefined> {
    const askedAtMs = this.#clock.monotonicMs();
    try {
      const record = await this.#store.find(id, LOOKUP_MS_MAX);
      if (!current()) return record === undefined ? undefined : newEntry(record, askedAtMs);
      return record === undefined ? this.#rememberUnknown(id, askedAtMs) : this.#remember(record, askedAtMs);
    } catch (cause) {
      const entry = this.#known.get(id);
      if (entry !== undefined) entry.retryAtMs = this.#clock.monotonicMs() + RETRY_AFTER_MS;
      if (cause instanceof HoldfastError && cause.code === 'HF_CORRUPTION') throw cause;
      const detail = 'API keys cannot be read now';
      throw new HoldfastError('HF_UNAVAILABLE', { detail, outcome: 'not_applied', cause });
    } finally {
      if (current()) this.#lookups.delete(id);
    }
  }

  #remember(record: ApiKeyRecord, readAtMs: number): Entry {
    const before = this.#known.get(record.id);
    const entry = newEntry(record, readAtMs);
    // Nothing has changed: whoever holds the caller (its budget, its counters) keeps it.
    if (before !== undefined && JSON.stringify(before.record) === JSON.stringify(record))
      entry.caller = before.caller;
    if (before === undefined) makeRoom(this.#known, KNOWN_MAX);
    this.#known.set(record.id, entry);
    this.#unknown.delete(record.id);
    return entry;
  }

  #rememberUnknown(id: string, readAtMs: number): undefined {
    this.#known.delete(id);
    makeRoom(this.#unknown, UNKNOWN_MAX);
    this.#unknown.set(id, readAtMs + API_KEY_FRESH_MS);
    return undefined;
  }
}

function newEntry(record: ApiKeyRecord, readAtMs: number): Entry {
  return {
    record,
    digest: Buffer.from(record.digest, 'hex'),
    caller: new Caller(principalOf(record)),
    readAtMs,
    retryAtMs: 0,
  };
}

function makeRoom(map: Map<string, unknown>, max: number): void {
  if (map.size < max) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
