import { variableOf } from '@holdfast/service';
import type { z } from 'zod';
import { settingsSchema as admin } from '../apps/admin/src/settings.ts';
import { settingsSchema as dataNode } from '../apps/data-node/src/settings.ts';
import { settingsSchema as gateway } from '../apps/gateway/src/settings.ts';

const HEAD = `# Settings

Written from the schemas in \`apps/*/src/settings.ts\` by \`UPDATE=1 npx vitest run tests/scripts/settings-page.spec.ts\`; a test holds the two together.

Every process takes each setting from the environment, else from the file that the same variable with \`_FILE\` behind its name points to (for secrets), else from the JSON file that \`HOLDFAST_CONFIG\` names (\`httpPort\` for \`HOLDFAST_HTTP_PORT\`), else from the default.
What is wrong is listed all at once, and the process does not start. \`npm start\` has [variables of its own](../README.md#settings) and sets these for its processes.

Whoever starts the processes in another way starts them as \`npm start\` does, with the heap that a server needs (why: [data-path.md](benchmarks/data-path.md)):

\`\`\`
node --initial-old-space-size=512 --min-semi-space-size=16 --max-semi-space-size=64 apps/gateway/dist/main.js
\`\`\`
`;

/** \`docs/settings.md\`: every setting of every app, as its schema has it. */
export function settingsPage(): string {
  return [
    HEAD,
    ...section('Gateway', gateway),
    ...section('Data node', dataNode),
    ...section('Admin', admin),
  ].join('\n');
}

function section(title: string, { shape }: z.ZodObject): string[] {
  const rows = Object.entries(shape).map(
    ([key, field]) =>
      `| \`${variableOf(key)}\` | ${defaultOf(field as z.ZodType)} | ${(field as z.ZodType).description ?? ''} |`,
  );
  return [`## ${title}`, '', '| variable | default | is |', '| --- | --- | --- |', ...rows, ''];
}

function defaultOf(field: z.ZodType): string {
  const { success, data } = field.safeParse(undefined);
  if (!success) return 'required';
  if (data === undefined) return 'none';
  return `\`${textOf(data)}\``;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map((item: unknown) => textOf(item)).join(',');
  if (typeof value === 'object' && value !== null && 'id' in value && 'value' in value) {
    return `${String(value.id)}=${String(value.value)}`;
  }
  return String(value);
}
