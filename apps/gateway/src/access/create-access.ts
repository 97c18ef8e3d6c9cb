import { randomUUID } from 'node:crypto';
import { SettingsError } from '@holdfast/service';
import type { Clock } from '@holdfast/io';
import type { JWTVerifyGetKey } from 'jose';
import type { StoreClient } from '../store-client.ts';
import type { Logger } from '@holdfast/telemetry';
import { Accounts } from './accounts.ts';
import type { AccessManagement } from './access-module.ts';
import { accessProblems, type AccessSettings } from './access-settings.ts';
import { ApiKeyRing } from './api-key-ring.ts';
import { ApiKeyStore } from './api-key-store.ts';
import {
  type Authenticator,
  OpenAccess,
  RootKey,
  TokenAuthenticator,
  type TokenSource,
} from './authenticator.ts';
import { keysOfFile, keysOfIssuer, keysOfUrl } from './jwt-keys.ts';
import { JwtTokens } from './jwt-tokens.ts';
import { SystemRecords } from './system-records.ts';
import { UsageStore } from './usage-store.ts';

export interface Access {
  readonly authenticator: Authenticator;
  readonly management: AccessManagement;
}

/** Who may come in, as the settings say it. @throws SettingsError with everything that is wrong. */
export function createAccess(
  settings: AccessSettings,
  client: Pick<StoreClient, 'execute'>,
  clock: Clock,
  log: Logger,
): Access {
  const problems = accessProblems(settings);
  if (problems.length > 0) throw new SettingsError(problems);
  const records = new SystemRecords(client);
  const store = new ApiKeyStore(records);
  const ring = new ApiKeyRing(store, clock);
  const accounts = new Accounts(clock, {
    requestsPerSecond: settings.limitRequestsPerSecond,
    bytesPerSecond: settings.limitBytesPerSecond,
    watchers: settings.limitWatchers,
  });
  const usage = new UsageStore(records, accounts, randomUUID(), log);
  const management = { store, ring, accounts, usage, clock };
  if (settings.auth === 'off') return { authenticator: new OpenAccess(), management };
  const sources: TokenSource[] = [ring];
  if (settings.rootKey !== undefined) sources.unshift(new RootKey(settings.rootKey));
  const jwts = jwtTokens(settings, clock);
  if (jwts !== undefined) sources.push(jwts);
  return { authenticator: new TokenAuthenticator(sources), management };
}

function jwtTokens(settings: AccessSettings, clock: Clock): JwtTokens | undefined {
  const {
    jwtAudience: audience,
    jwtIssuer: issuer,
    jwtClockToleranceSeconds: clockToleranceSeconds,
  } = settings;
  const keys = jwtKeys(settings);
  if (keys === undefined || audience === undefined) return undefined;
  return new JwtTokens({ keys, audience, issuer, clockToleranceSeconds }, clock);
}

function jwtKeys({ jwtKeys: keys, jwtIssuer: issuer }: AccessSettings): JWTVerifyGetKey | undefined {
  if (keys === undefined) return issuer === undefined ? undefined : keysOfIssuer(issuer);
  if (/^https?:/.test(keys)) return keysOfUrl(new URL(keys));
  try {
    return keysOfFile(keys);
  } catch (error) {
    throw new SettingsError([
      `HOLDFAST_JWT_KEYS: ${keys}: ${error instanceof Error ? error.message : String(error)}`,
    ]);
  }
}
