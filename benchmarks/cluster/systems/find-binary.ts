import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where distributions put servers, beside what PATH names. */
const MORE_PLACES = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin'];

/** The path of a program: what the environment variable says, else the first one on PATH. */
export function findBinary(names: readonly string[], variable?: string): string | undefined {
  const named = variable === undefined ? undefined : process.env[variable];
  if (named !== undefined && named !== '') return named;
  const places = [...(process.env['PATH'] ?? '').split(delimiter), ...MORE_PLACES];
  for (const name of names) {
    for (const place of places) {
      const path = join(place, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here.
      }
    }
  }
  return undefined;
}
