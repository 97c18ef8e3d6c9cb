/**
 * `npm run fuzz:api`: Schemathesis sends what the API document allows, and what it does not, to a cluster of its own
 * (or to `HOLDFAST_URL`, with `HOLDFAST_TOKEN`), and takes no answer that the document does not describe.
 * Schemathesis is taken from PATH, or installed once into `.holdfast/fuzz` with Python; without either this says so.
 * Its options may follow: `npm run fuzz:api -- --max-examples 200 --seed 1`.
 * Stateful scenarios follow links that Schemathesis infers; the document has none. What it gets wrong there is answered in
 * `tests/contract/schemathesis.toml`; "errors" of scenarios are its own, a wrong answer is a failure.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { freeClusterPorts } from './cluster/free-ports.ts';
import { LocalCluster } from './cluster/local-cluster.ts';

const ROOT = dirname(import.meta.dirname);
const WORK = join(ROOT, '.holdfast', 'fuzz');
const CONFIG = join(ROOT, 'tests', 'contract', 'schemathesis.toml');
const SCHEMATHESIS = 'schemathesis==4.32.5';
const START_MS_MAX = 60_000;

function find(program: string, ...more: readonly string[]): string | undefined {
  return [...more, ...(process.env['PATH'] ?? '').split(delimiter)]
    .map((directory) => join(directory, program))
    .find((file) => existsSync(file));
}

/** True when the program ended well. Runs in `WORK`, where it may leave what it likes. */
function run(program: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    spawn(program, args, { cwd: WORK, stdio: 'inherit' })
      .on('error', reject)
      .on('close', (code) => resolve(code === 0));
  });
}

/** Undefined, and said why, when there is none and none can be had. */
async function findSchemathesis(): Promise<string | undefined> {
  const venv = join(WORK, 'venv');
  const found = find('schemathesis', join(venv, 'bin'));
  if (found !== undefined) return found;
  const python = find('python3');
  if (python === undefined) {
    console.log('skipped: there is no schemathesis on PATH, and no Python to install it with');
    return undefined;
  }
  console.log(`schemathesis is not on PATH: installing ${SCHEMATHESIS} with Python, once`);
  const installed =
    (await run(python, ['-m', 'venv', venv])) &&
    (await run(join(venv, 'bin', 'pip'), [
      'install',
      '--quiet',
      '--disable-pip-version-check',
      SCHEMATHESIS,
    ]));
  if (installed) return find('schemathesis', join(venv, 'bin'));
  rmSync(venv, { recursive: true, force: true });
  console.log('skipped: schemathesis cannot be installed here; is there a package index?');
  return undefined;
}

function fuzz(
  schemathesis: string,
  url: string,
  token: string,
  options: readonly string[],
): Promise<boolean> {
  const header = `Authorization: Bearer ${token}`;
  const limits = options.includes('--max-examples') ? [] : ['--max-examples', '50'];
  const args = ['run', `${url}/openapi.json`, '-H', header, ...limits, ...options];
  return run(schemathesis, ['--config-file', CONFIG, ...args]);
}

async function main(options: readonly string[]): Promise<number> {
  mkdirSync(WORK, { recursive: true });
  const schemathesis = await findSchemathesis();
  if (schemathesis === undefined) return 0;
  const { HOLDFAST_URL: url, HOLDFAST_TOKEN: token = '' } = process.env;
  if (url !== undefined) return (await fuzz(schemathesis, url, token, options)) ? 0 : 1;
  const data = mkdtempSync(join(WORK, 'cluster-'));
  const ports = await freeClusterPorts();
  const cluster = new LocalCluster({ root: ROOT, dataDirectory: data, ports, onLine: () => undefined });
  try {
    await cluster.start(START_MS_MAX);
    return (await fuzz(schemathesis, cluster.gatewayUrl, cluster.rootKey, options)) ? 0 : 1;
  } finally {
    await cluster.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

process.exitCode = await main(process.argv.slice(2));
