import { SettingsError } from '@holdfast/service';
import { type Authenticator, OpenAccess, RootKey, TokenAuthenticator } from './authenticator.ts';
import { accessProblems, type AccessSettings } from './access-settings.ts';

/** Who may come in, as the settings say it. @throws SettingsError with everything that is wrong. */
export function createAuthenticator(settings: AccessSettings): Authenticator {
  const problems = accessProblems(settings);
  if (problems.length > 0) throw new SettingsError(problems);
  const { auth, rootKey } = settings;
  if (auth === 'off') return new OpenAccess();
  return new TokenAuthenticator(rootKey === undefined ? [] : [new RootKey(rootKey)]);
}
