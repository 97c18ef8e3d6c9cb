/** `npm run sdk`: writes the TypeScript SDK anew from docs/openapi.json. */
import { join } from 'node:path';
import { createClient } from '@hey-api/openapi-ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const GENERATED = join(ROOT, 'sdks', 'typescript', 'src', 'generated');

/** Writes the SDK's sources to a directory, which is emptied first. */
export async function generateTypeScript(directory: string): Promise<void> {
  await createClient({
    input: join(ROOT, 'docs', 'openapi.json'),
    output: { path: directory, module: { extension: '.js' } },
    plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
    logs: { level: 'silent' },
  });
}

if (import.meta.main) await generateTypeScript(GENERATED);
