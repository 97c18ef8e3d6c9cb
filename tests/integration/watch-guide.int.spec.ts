import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PATIENCE_MS, ROOT, TestCluster } from './cluster.ts';

const run = promisify(execFile);
const page = await readFile(join(ROOT, 'docs', 'guide', 'watch.md'), 'utf8');
const examples = [...page.matchAll(/^```sh\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```/gm)].map(
  ([, script = '', output = '']) => ({ script, output }),
);

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start();
}, 2 * PATIENCE_MS);
afterAll(() => cluster[Symbol.asyncDispose]());

it('has examples', () => {
  expect(examples).toHaveLength(2);
});

it.each(examples)('$script', async ({ script, output }) => {
  const env = { ...process.env, GATEWAY: cluster.gatewayUrl, TOKEN: cluster.rootKey };
  const { stdout } = await run('bash', ['-c', script], { env });
  const lines = stdout.replaceAll(/\d{10,}/g, 'N').split('\n');
  // The lines of the page, in this order; others may stand between them.
  let at = 0;
  for (const line of output.trimEnd().split('\n')) {
    const found = lines.indexOf(line, at);
    expect([line, found >= at]).toEqual([line, true]);
    at = found + 1;
  }
});
