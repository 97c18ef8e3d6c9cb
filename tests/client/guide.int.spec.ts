import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalCluster } from './local-cluster.ts';
import { LocalGateway } from './local-gateway.ts';

/** The examples of the guide are programs: each runs as a process of its own, against this process's nodes and gateway. */
const ROOT = join(import.meta.dirname, '..', '..');
const SCRATCH = join(ROOT, '.holdfast', 'guide');
const guide = await readFile(join(ROOT, 'docs', 'guide', 'client.md'), 'utf8');
const run = promisify(execFile);

interface Example {
  readonly title: string;
  readonly code: string;
  readonly output: string;
}

function examplesOf(page: string): readonly Example[] {
  const examples: Example[] = [];
  const pattern = /^## (.+)$|^```ts\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```/gm;
  let title = '';
  for (const [, heading, code, output] of page.matchAll(pattern)) {
    if (heading === undefined) examples.push({ title, code, output });
    else title = heading;
  }
  return examples;
}

let cluster: LocalCluster;
let gateway: LocalGateway;

beforeAll(async () => {
  await mkdir(SCRATCH, { recursive: true });
  cluster = await LocalCluster.start();
  gateway = await LocalGateway.start(cluster.target);
});
afterAll(async () => {
  await gateway.stop();
  await cluster.stop();
  await rm(SCRATCH, { recursive: true, force: true });
});

/** The ports of the page stand for those of this run. */
function atThisRun(code: string, url: string): string {
  const [first, second] = cluster.addresses;
  return code
    .replaceAll('127.0.0.1:7711', first)
    .replaceAll('127.0.0.1:7712', second)
    .replaceAll('http://127.0.0.1:7700', url);
}

it('the page has examples, and every one says what it prints', () => {
  const blocks = guide.match(/^```ts$/gm) ?? [];
  expect(examplesOf(guide)).toHaveLength(blocks.length);
  expect(blocks.length).toBeGreaterThanOrEqual(9);
});

it.each(examplesOf(guide))('$title', async ({ title, code, output }) => {
  const file = join(SCRATCH, `${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}.ts`);
  await writeFile(file, atThisRun(code, gateway.url));
  const { stdout } = await run(process.execPath, ['--conditions=source', file], { timeout: 30_000 });
  expect(stdout).toBe(output);
});
