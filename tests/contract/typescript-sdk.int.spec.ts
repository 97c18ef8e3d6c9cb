import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { generateTypeScript, GENERATED } from '../../scripts/sdk/typescript.ts';
import { GatewayUnderTest } from './gateway-under-test.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PACKAGE = join(ROOT, 'sdks', 'typescript');
const run = promisify(execFile);

async function filesOf(directory: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const texts = names.toSorted().map(async (name) => [name, await readFile(join(directory, name), 'utf8')]);
  return Object.fromEntries(await Promise.all(texts)) as Readonly<Record<string, string>>;
}

it('the SDK is what the API document makes; npm run sdk renews it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-sdk-'));
  try {
    await generateTypeScript(directory);
    expect(await filesOf(GENERATED)).toEqual(await filesOf(directory));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

it('the SDK compiles, and works against a cluster', async () => {
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  await run(tsc, ['-p', PACKAGE]);
  await run(tsc, ['-p', join(PACKAGE, 'smoke')]);
  await using gateway = await GatewayUnderTest.start();
  const { stdout } = await run(process.execPath, [join(PACKAGE, 'smoke', 'smoke.ts'), gateway.url]);
  expect(stdout).toBe('every call did what it says\n');
});
