import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FILE_LINES_MAX, isTestCode, LAYERS, type PackageFacts, read, violationsOf } from './layers.ts';

const root = dirname(dirname(import.meta.dirname));
const text = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const folders = globSync(['libs/*/package.json', 'apps/*/package.json'], { cwd: root })
  .map(dirname)
  .toSorted();
const manifestOf = (folder: string): Manifest => JSON.parse(text(`${folder}/package.json`)) as Manifest;
const factsOf = (folder: string): PackageFacts => ({
  folder,
  dependencies: Object.keys(manifestOf(folder).dependencies ?? {}),
});
const filesOf = (folder: string): string[] =>
  globSync(`${folder}/{src,scripts,testing,conformance,bench,test}/**/*.ts`, { cwd: root }).toSorted();

describe.each(folders)('%s', (folder) => {
  const facts = factsOf(folder);

  it('imports what its layer may import, and keeps the rules of its layer', () => {
    expect(filesOf(folder).flatMap((path) => violationsOf({ path, text: text(path) }, facts))).toEqual([]);
  });

  it('is named after its folder', () => {
    expect(manifestOf(folder).name).toBe(`@holdfast/${folder.split('/')[1]}`);
  });

  it('declares the same workspace packages to npm and to TypeScript', () => {
    const { references = [] } = JSON.parse(text(`${folder}/tsconfig.json`)) as {
      references?: readonly { readonly path: string }[];
    };
    // A package can have more than one project: `libs/client` has one that knows Node.
    const packages = new Set(references.map(({ path }) => join(folder, path.replace(/\/[^/]*\.json$/, ''))));
    const referenced = [...packages].map((path) => manifestOf(path).name);
    const depended = facts.dependencies.filter((name) => name.startsWith('@holdfast/'));
    expect(referenced.toSorted()).toEqual(depended.toSorted());
  });
});

it('joins the client to Node in one file at most', () => {
  const joints = filesOf('libs/client').filter(
    (path) =>
      !isTestCode(path) &&
      read({ path, text: text(path) }).imports.some(({ specifier }) => specifier === '@holdfast/io-node'),
  );
  expect(joints.length).toBeLessThanOrEqual(1);
});

it('has a core for every folder of the table that exists', () => {
  for (const [folder, { core }] of Object.entries(LAYERS)) {
    if (core !== true || !existsSync(join(root, folder))) continue;
    expect(JSON.parse(text(`${folder}/tsconfig.json`))).toMatchObject({
      extends: '../../tsconfig.core.json',
    });
  }
});

describe('the test itself', () => {
  const raft: PackageFacts = { folder: 'libs/raft', dependencies: ['@holdfast/io'] };
  const wire: PackageFacts = {
    folder: 'libs/wire',
    dependencies: ['@holdfast/io', '@holdfast/raft', 'flatbuffers'],
  };
  const client: PackageFacts = { folder: 'libs/client', dependencies: ['@holdfast/io-node'] };
  const sim: PackageFacts = { folder: 'libs/sim', dependencies: ['@holdfast/io'] };
  const gateway: PackageFacts = { folder: 'apps/gateway', dependencies: ['rxjs'] };
  const check = (owner: PackageFacts, inside: string, source: string): string[] =>
    violationsOf({ path: `${owner.folder}/${inside}`, text: source }, owner);

  it.each([
    ['a lib of its layer', raft, 'src/a.ts', `import { assert } from '@holdfast/io';`],
    [
      'words in comments and strings',
      raft,
      'src/a.ts',
      `// Date.now() and Math.random() in a comment\nexport const text = 'process.exit()';`,
    ],
    [
      'a method with a banned name',
      raft,
      'src/a.ts',
      `class Queue { process(): void {} }\nnew Queue().process();`,
    ],
    ['a neighbour file', raft, 'src/deep/a.ts', `import { b } from '../b.ts';`],
    [
      'anything in a spec',
      raft,
      'src/a.spec.ts',
      `import { it } from 'vitest';\nimport 'node:fs';\nDate.now();`,
    ],
    ['the barrel', raft, 'src/index.ts', `export { a } from './a.ts';`],
    [
      'types where only types may come from',
      wire,
      'src/a.ts',
      `import type { Entry } from '@holdfast/raft';\nimport { type Ready } from '@holdfast/raft';`,
    ],
    ['generated code as it is', wire, 'src/generated/a.ts', `export { b } from './b.ts';`],
    [
      'the joint of client and Node',
      client,
      'src/node/connect.ts',
      `import { TcpNetwork } from '@holdfast/io-node';`,
    ],
    ['Node in the bin of the simulator', sim, 'src/bin/sim.ts', `import { parseArgs } from 'node:util';`],
    [
      'what an app declares',
      gateway,
      'src/main.ts',
      `import { map } from 'rxjs/operators';\nimport 'node:fs';\nprocess.exit(0);`,
    ],
    [
      'shared test code beside src',
      raft,
      'testing/cluster.ts',
      `import { Raft } from '../src/index.ts';\nprocess.exit(0);`,
    ],
  ])('accepts %s', (_, owner, inside, source) => {
    expect(check(owner, inside, source)).toEqual([]);
  });

  it.each([
    ['may not import', 'another layer', raft, 'src/a.ts', `import { Tree } from '@holdfast/lsm';`],
    [
      'may not import',
      'a dynamic import of another layer',
      raft,
      'src/a.ts',
      `const lsm = await import('@holdfast/lsm');`,
    ],
    [
      'may not import',
      'a type of another layer',
      raft,
      'src/a.ts',
      `type Tree = import('@holdfast/lsm').Tree;`,
    ],
    [
      'may not import',
      'a re-exported type of another layer',
      raft,
      'src/a.ts',
      `export type { Tree } from '@holdfast/lsm';`,
    ],
    ['out of reach', 'Node in a core', raft, 'src/a.ts', `import { readFileSync } from 'node:fs';`],
    [
      'leaves the package',
      'a path into another package',
      raft,
      'src/a.ts',
      `import { x } from '../../io/src/x.ts';`,
    ],
    [
      'leaves the package',
      'a path into another package, in a spec',
      raft,
      'src/a.spec.ts',
      `import { x } from '../../io/src/x.ts';`,
    ],
    ['Date.now', 'the wall clock', raft, 'src/a.ts', `const at = Date.now();`],
    ['new Date()', 'the wall clock by constructor', raft, 'src/a.ts', `const at = new Date();`],
    [
      'Math.random',
      'chance, without a call',
      raft,
      'src/a.ts',
      `const { random } = { random: Math.random };`,
    ],
    ['setTimeout', 'a timer', raft, 'src/a.ts', `setTimeout(() => {}, 1);`],
    ['setInterval', 'a repeating timer', raft, 'src/a.ts', `setInterval(() => {}, 1);`],
    ['process', 'the environment', raft, 'src/a.ts', `if (process.env['X']) { a(); }`],
    ['Buffer', 'a Buffer', raft, 'src/a.ts', `const bytes: Buffer = Buffer.alloc(1);`],
    ['default export', 'a default class', raft, 'src/a.ts', `export default class {}`],
    ['default export', 'a default value', raft, 'src/a.ts', `export default 1;`],
    ['only barrel', 'a second barrel', raft, 'src/a.ts', `export * from './b.ts';`],
    ['index.ts below src', 'an index.ts below src', raft, 'src/deep/index.ts', `export const a = 1;`],
    ['longer than', 'a long file', raft, 'src/a.ts', '\n'.repeat(FILE_LINES_MAX + 1)],
    [
      'only types',
      'a value where only types may come from',
      wire,
      'src/a.ts',
      `import { Raft } from '@holdfast/raft';`,
    ],
    [
      'not in dependencies',
      'an undeclared lib',
      wire,
      'src/a.ts',
      `import type { Member } from '@holdfast/gossip';`,
    ],
    [
      'may not import',
      'the joint in another file',
      client,
      'src/pool.ts',
      `import { TcpNetwork } from '@holdfast/io-node';`,
    ],
    [
      'out of reach',
      "Node in the simulator's world",
      sim,
      'src/world.ts',
      `import { parseArgs } from 'node:util';`,
    ],
    ['may not import', 'another app', gateway, 'src/main.ts', `import { x } from '@holdfast/admin';`],
    ['not in dependencies', 'an undeclared package', gateway, 'src/main.ts', `import { x } from 'lodash';`],
    ['not in the table', 'an unknown package', { folder: 'libs/new', dependencies: [] }, 'src/a.ts', ''],
  ])('refuses %s: %s', (message, _, owner, inside, source) => {
    expect(check(owner, inside, source).join('\n')).toContain(message);
  });
});
