import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalCluster } from './local-cluster.ts';

/**
 * The client as a stranger has it: what `npm publish` would send, installed into an empty project, run by plain Node
 * and checked by TypeScript there. Nothing of this repository is in reach of that project.
 */
const ROOT = join(import.meta.dirname, '..', '..');
const BIN = join(ROOT, 'node_modules', '.bin');
const PACKAGES = ['io', 'raft', 'wire', 'io-node', 'client'];
const INSTALL_MS_MAX = 60_000;
const run = promisify(execFile);

const readme = await readFile(join(ROOT, 'libs', 'client', 'README.md'), 'utf8');
/** The examples of the page that go on from each other, as one program. */
const program = [...readme.matchAll(/^```ts\n([\s\S]*?)^```/gm)]
  .slice(0, 2)
  .map(([, code]) => code)
  .join('\n');

let cluster: LocalCluster;
let project: string;

beforeAll(async () => {
  cluster = await LocalCluster.start();
  project = await mkdtemp(join(tmpdir(), 'holdfast-stranger-'));
  const packed = join(project, 'packed');
  await mkdir(packed);
  // What others have published comes from this installation: the test needs no network.
  const folders = [
    ...PACKAGES.map((name) => join(ROOT, 'libs', name)),
    join(ROOT, 'node_modules', 'flatbuffers'),
  ];
  await Promise.all(
    folders.map((cwd) => run('npm', ['pack', '--ignore-scripts', '--pack-destination', packed], { cwd })),
  );
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'stranger', type: 'module' }));
  const tarballs = (await readdir(packed)).map((name) => join(packed, name));
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs], { cwd: project });
}, INSTALL_MS_MAX);
afterAll(async () => {
  await cluster.stop();
  await rm(project, { recursive: true, force: true });
});

const installed = (name: string): string => join(project, 'node_modules', '@holdfast', name);
const atThisRun = (code: string): string =>
  code.replaceAll('127.0.0.1:7711', cluster.addresses[0]).replaceAll('127.0.0.1:7712', cluster.addresses[1]);

describe.each(PACKAGES)('the package %s', (name) => {
  it('has code, types, sources, page and licence, and nothing that only this repository needs', async () => {
    const files = await readdir(installed(name), { recursive: true });
    expect(files).toEqual(
      expect.arrayContaining([
        'README.md',
        'LICENSE',
        'package.json',
        'dist/index.js',
        'dist/index.d.ts',
        'src/index.ts',
      ]),
    );
    expect(files.filter((file) => /tsbuildinfo|\.spec\.|\.bench\.|testdata|testing/.test(file))).toEqual([]);
    const licence = await readFile(join(ROOT, 'LICENSE'), 'utf8');
    expect(await readFile(join(installed(name), 'LICENSE'), 'utf8')).toBe(licence);
  });

  it('may be published', async () => {
    const manifest = JSON.parse(await readFile(join(installed(name), 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(manifest['private']).toBeUndefined();
    expect(manifest).toMatchObject({ license: 'Apache-2.0', publishConfig: { access: 'public' } });
  });

  it('has every file that its exports name', async () => {
    const { exports } = JSON.parse(await readFile(join(installed(name), 'package.json'), 'utf8')) as {
      readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
    };
    for (const [entry, { types, default: code }] of Object.entries(exports)) {
      // What only specs of this repository use has sources alone, which are not part of the package.
      if (types === undefined || code === undefined) expect(entry).toBe('./conformance');
      else for (const path of [types, code]) await readFile(join(installed(name), path));
    }
  });
});

it('runs the examples of its page, by plain Node', async () => {
  const file = join(project, 'example.ts');
  await writeFile(file, atThisRun(program));
  const { stdout, stderr } = await run(process.execPath, [file], { cwd: project, timeout: 20_000 });
  expect(stdout.split('\n')).toEqual(['Ada true', 'Ada true', 'true', '43 Edsger', '420 Edsger', 'put', '']);
  expect(stderr).toBe('');
});

it('blocks a script with its worker, by plain Node', async () => {
  const script = `
    import { connectSync } from '@holdfast/client/sync';
    using db = connectSync('${cluster.target}');
    console.log(db.keyspace('default').increment('blocking', 5).value);
  `;
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await run(process.execPath, args, { cwd: project, timeout: 20_000 });
  expect(stdout).toBe('5\n');
});

describe.each([
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])('its types, for a project with module %s', (module, moduleResolution) => {
  const check = async (name: string, code: string): Promise<string> => {
    const file = join(project, `${name}-${module}.ts`);
    await writeFile(file, code);
    const options = [
      '--noEmit',
      '--strict',
      '--target',
      'es2024',
      '--lib',
      'es2024',
      '--skipLibCheck',
      'false',
    ];
    const types = ['--typeRoots', join(ROOT, 'node_modules', '@types'), '--types', 'node'];
    const args = [...options, ...types, '--module', module, '--moduleResolution', moduleResolution, file];
    return run(join(BIN, 'tsc'), args, { cwd: project }).then(
      () => '',
      (error: unknown) => (error as { readonly stdout: string }).stdout,
    );
  };

  it('accept the examples', async () => {
    expect(await check('right', program)).toBe('');
  });

  it('refuse a value of another type', async () => {
    const wrong = `${program}\nawait users.set('42', { name: 42 });\n`;
    expect(await check('wrong', wrong)).toMatch(/TS2322.*'number' is not assignable to type 'string'/);
  });
});
