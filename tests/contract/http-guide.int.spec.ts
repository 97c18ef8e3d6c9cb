import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayUnderTest } from './gateway-under-test.ts';

/** The examples of the guide are run as they stand, in the order in which they stand, and print what the page says. */
const GUIDE = join(import.meta.dirname, '..', '..', 'docs', 'guide');
const PAGES = ['http.md', 'keyspaces.md'];
const run = promisify(execFile);

interface Example {
  readonly title: string;
  readonly script: string;
  readonly output: string;
}

function examplesOf(page: string): readonly Example[] {
  const examples: Example[] = [];
  const pattern = /^## (.+)$|^```bash\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```/gm;
  let title = '';
  for (const [, heading, script, output] of page.matchAll(pattern)) {
    if (heading === undefined) examples.push({ title: `${title}: ${script.slice(0, 60)}`, script, output });
    else title = heading;
  }
  return examples;
}

/** Revisions differ from run to run; that there is one does not. */
function withoutRevisions(text: string): string {
  return text
    .replaceAll(/\b\d{12,16}\b/g, '<revision>')
    .replaceAll(/("count":\d+),"revision":<revision>/g, '$1');
}

let gateway: GatewayUnderTest;
let directory: string;
beforeAll(async () => {
  gateway = await GatewayUnderTest.start();
  directory = await mkdtemp(join(tmpdir(), 'holdfast-guide-'));
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

describe.each(PAGES)('%s', async (name) => {
  const page = await readFile(join(GUIDE, name), 'utf8');
  const examples = examplesOf(page);

  it('says of every example what it prints', () => {
    expect(examples.length).toBe(page.match(/^```bash$/gm)?.length);
  });

  it.each(examples)('$title', async ({ script, output }) => {
    const api = `${gateway.url}/v1`;
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: directory,
      timeout: 30_000,
      env: {
        ...process.env,
        API: api,
        URL: `${api}/keyspaces/default/keys`,
        KEY: 'Authorization: Bearer any',
      },
    });
    expect(withoutRevisions(stdout)).toBe(withoutRevisions(output));
  });
});
