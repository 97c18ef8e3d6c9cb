/**
 * Compiles the AssemblyScript kernels and writes them, as base64 in a module, to
 * `src/kernels/generated/kernels-wasm.ts`. `--check` only compares and fails on a difference.
 * Run: `node libs/io-node/scripts/build-kernels.ts`
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const library = join(import.meta.dirname, '..');
const target = join(library, 'src/kernels/generated/kernels-wasm.ts');
const folder = mkdtempSync(join(tmpdir(), 'holdfast-kernels-'));
const wasm = join(folder, 'kernels.wasm');
execFileSync(
  'asc',
  [join(library, 'kernels/kernels.ts'), '-o', wasm, '-O3', '--noAssert', '--converge'].concat([
    '--runtime',
    'stub',
    '--enable',
    'simd',
    '--use',
    'abort=',
  ]),
  { stdio: 'inherit' },
);
const lines =
  readFileSync(wasm)
    .toString('base64')
    .match(/.{1,100}/g) ?? [];
rmSync(folder, { recursive: true });
const module = `/** Made by scripts/build-kernels.ts from kernels/kernels.ts. Do not edit. */
export const KERNELS_WASM =
${lines.map((line) => `  '${line}'`).join(' +\n')};
`;
if (!process.argv.includes('--check')) writeFileSync(target, module);
else if (readFileSync(target, 'utf8') !== module) throw new Error(`${target} is not what its source makes`);
