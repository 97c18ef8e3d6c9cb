import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS, ROOT, TestCluster } from './cluster.ts';

/** Pages whose examples need tokens: they are run as they stand, in their order, and print what the page says. */
const PAGES = ['auth.md', 'cli.md'];
const run = promisify(execFile);

let cluster: TestCluster;
let directory: string;
beforeAll(async () => {
  cluster = await TestCluster.start();
  directory = mkdtempSync(join(tmpdir(), 'holdfast-guide-'));
  const command = join(directory, 'holdfast');
  writeFileSync(
    command,
    `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'apps/cli/bin/holdfast.js')}' "$@"\n`,
  );
  chmodSync(command, 0o755);
}, 2 * PATIENCE_MS);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

interface Example {
  readonly title: string;
  readonly script: string;
  readonly output: string;
}

function examplesOf(page: string): readonly Example[] {
  const examples: Example[] = [];
  let title = '';
  for (const [, heading, script, output] of page.matchAll(
    /^## (.+)$|^```bash\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```/gm,
  )) {
    if (heading === undefined) examples.push({ title, script: script ?? '', output: output ?? '' });
    else title = heading;
  }
  return examples;
}

describe.each(PAGES)('%s', (name) => {
  const page = readFileSync(join(ROOT, 'docs', 'guide', name), 'utf8');
  const examples = examplesOf(page);

  it('says of every example what it prints', () => {
    expect(examples.length).toBe(page.match(/^```bash$/gm)?.length);
  });

  it.each(examples)('$title', async ({ script, output }) => {
    const { stdout } = await run('bash', ['-uo', 'pipefail', '-c', script], {
      cwd: directory,
      timeout: PATIENCE_MS,
      env: {
        PATH: `${directory}:${process.env['PATH']}`,
        HOME: directory,
        API: `${cluster.gatewayUrl}/v1`,
        ROOT: `Authorization: Bearer ${cluster.rootKey}`,
        HOLDFAST_URL: cluster.gatewayUrl,
        // The examples of the other page say themselves which token they use.
        ...(name === 'cli.md' ? { HOLDFAST_TOKEN: cluster.rootKey } : {}),
      },
    });
    expect(stdout).toBe(output);
  });
});

it('README: what a reader tries first works as it stands', async () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [, block = ''] = /^## Try it\n\n```\n([\s\S]*?)^```/m.exec(readme) ?? [];
  const lines = block
    .replace(/^URL=.*$/m, `URL=${cluster.gatewayUrl}/v1/keyspaces/default/keys`)
    .replace(/^KEY=.*$/m, `KEY='Authorization: Bearer ${cluster.rootKey}'`)
    .split('\n');
  const known = lines.findIndex((line) => line.includes('<revision>'));
  const play = async (script: readonly string[]): Promise<string> => {
    const options = { cwd: directory, timeout: PATIENCE_MS };
    const { stdout } = await run('bash', ['-uo', 'pipefail', '-c', script.join('\n')], options);
    return stdout;
  };
  const before = await play(lines.slice(0, known));
  const [, revision = ''] = /^etag: "(\d+)"/im.exec(before) ?? [];
  const after = await play([
    ...lines.filter((line) => /^(URL|KEY)=/.test(line)),
    ...lines.slice(known).map((line) => line.replace('<revision>', revision)),
  ]);
  const statuses = [...`${before}\n${after}`.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) =>
    Number(status),
  );
  expect(statuses).toEqual([200, 200, 412, 200, 200, 200]);
  expect(before).toContain('world');
});
