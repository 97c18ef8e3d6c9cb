import { HoldfastError } from '@holdfast/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiKeyRecord } from './api-key-record.ts';
import { API_KEY_FRESH_MS, API_KEY_STALE_MS, ApiKeyRing } from './api-key-ring.ts';
import type { Caller } from './caller.ts';
import { digestOf, newApiKey } from './token.ts';

let nowMs = 0;
const clock = { monotonicMs: () => nowMs, wallMs: () => 1_000_000 + nowMs };
const records = new Map<string, ApiKeyRecord>();
let asked = 0;
let broken = false;
const store = {
  find(id: string): Promise<ApiKeyRecord | undefined> {
    asked += 1;
    if (broken) return Promise.reject(new HoldfastError('HF_NO_QUORUM'));
    return Promise.resolve(records.get(id));
  },
};
let ring: ApiKeyRing;

function stored(changes: Partial<ApiKeyRecord> = {}): { id: string; token: string } {
  const { id, token } = newApiKey();
  const digest = digestOf(token).toString('hex');
  records.set(id, { id, name: '', tenant: 't', grants: [], limits: {}, digest, createdAtMs: 0, ...changes });
  return { id, token };
}
const find = async (token: string): Promise<Caller | undefined> => ring.find(token, digestOf(token));

beforeEach(() => {
  records.clear();
  nowMs = 0;
  asked = 0;
  broken = false;
  ring = new ApiKeyRing(store, clock);
});

describe('a key', () => {
  it('is asked for once, and remembered', async () => {
    const { id, token } = stored({ tenant: 'acme' });
    expect((await find(token))?.principal).toMatchObject({ id, tenant: 'acme' });
    nowMs = 1000;
    expect(ring.find(token, digestOf(token))).toBeDefined();
    expect(asked).toBe(1);
  });

  it('with the secret of another is nobody', async () => {
    const { id, token } = stored();
    const forged = `hf_${id}_${newApiKey().token.slice(-43)}`;
    expect(await find(forged)).toBeUndefined();
    expect(await find(token)).toBeDefined();
    expect(await find(forged)).toBeUndefined();
  });

  it('works no longer than promised after another gateway has revoked it', async () => {
    const { id, token } = stored();
    await find(token);
    const record = records.get(id);
    if (record !== undefined) records.set(id, { ...record, revokedAtMs: 1 });
    nowMs = API_KEY_FRESH_MS;
    expect(await find(token)).toBeUndefined();
  });

  it('in use is read again by the way, without making anybody wait', async () => {
    const { id, token } = stored();
    await find(token);
    records.delete(id);
    nowMs = API_KEY_FRESH_MS - 1;
    expect(ring.find(token, digestOf(token))).not.toBeInstanceOf(Promise);
    expect(asked).toBe(2);
    await Promise.resolve();
    expect(await find(token)).toBeUndefined();
  });

  it('ends when it expires, to the millisecond', async () => {
    const { token } = stored({ expiresAtMs: 1_000_500 });
    nowMs = 499;
    expect(await find(token)).toBeDefined();
    nowMs = 500;
    expect(await find(token)).toBeUndefined();
  });

  it('keeps its caller while nothing changes, and gets another when something does', async () => {
    const { id, token } = stored();
    const first = await find(token);
    nowMs += API_KEY_FRESH_MS;
    expect(await find(token)).toBe(first);
    const record = records.get(id);
    if (record !== undefined) records.set(id, { ...record, tenant: 'other' });
    nowMs += API_KEY_FRESH_MS;
    expect((await find(token))?.principal.tenant).toBe('other');
  });

  it('that this gateway has changed is asked for at once', async () => {
    const { id, token } = stored();
    await find(token);
    records.delete(id);
    ring.forget(id);
    expect(await find(token)).toBeUndefined();
  });

  it('that was revoked while it was read is not remembered', async () => {
    const { id, token } = stored();
    const reading = find(token);
    records.delete(id);
    ring.forget(id);
    await reading;
    expect(await find(token)).toBeUndefined();
  });
});

describe('an id that nobody has', () => {
  it('is asked for once in a while', async () => {
    const { token } = newApiKey();
    for (let i = 0; i < 5; i++) expect(await find(token)).toBeUndefined();
    expect(asked).toBe(1);
    nowMs = API_KEY_FRESH_MS;
    await find(token);
    expect(asked).toBe(2);
  });

  it('cannot become a flood of questions', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 100 }, () => find(newApiKey().token)));
    expect(asked).toBe(64);
    const refused = answers.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(36);
    expect(refused[0]).toMatchObject({ reason: { code: 'HF_OVERLOADED' } });
  });
});

describe('while the store cannot be asked', () => {
  it('a known key goes on for a while, and its users do not each ask', async () => {
    const { token } = stored();
    await find(token);
    broken = true;
    nowMs = API_KEY_FRESH_MS;
    expect(await find(token)).toBeDefined();
    expect(asked).toBe(2);
    for (let i = 0; i < 10; i++) expect(await find(token)).toBeDefined();
    expect(asked).toBe(2);
    nowMs = API_KEY_STALE_MS;
    await expect(find(token)).rejects.toMatchObject({ code: 'HF_UNAVAILABLE', outcome: 'not_applied' });
    broken = false;
    expect(await find(token)).toBeDefined();
  });

  it('a key that was never seen is neither known nor refused', async () => {
    const { token } = stored();
    broken = true;
    await expect(find(token)).rejects.toMatchObject({ code: 'HF_UNAVAILABLE', retryable: true });
  });
});
