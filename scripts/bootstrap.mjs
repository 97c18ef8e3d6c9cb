/**
 * The entry of `npm start`, `npm test` and `npm run check`: brings the tree to what the lockfile says, then goes on
 * under the project's own Node. Plain JavaScript without dependencies, since it runs before anything is installed,
 * under any Node from 20.19.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 26;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');

const commands = {
  start: (args) => {
    build();
    run('scripts/start.ts', args);
  },
  test: (args) => run('scripts/test.ts', args),
  check: () => run('scripts/test.ts', ['format', 'lint', 'types', 'layering', 'unit']),
  build,
};

const [name, ...rest] = process.argv.slice(2);
if (!Object.hasOwn(commands, name ?? '')) {
  fail(`usage: node scripts/bootstrap.mjs ${Object.keys(commands).join('|')} [arguments]`);
}
install();
const node = projectNode();
commands[name](rest);

/** Installs exactly the lockfile, unless what is installed already agrees with it. */
function install() {
  if (installed()) return;
  console.log('installing dependencies from the lockfile');
  // npm's own entry when npm started us: it is certain to exist and to be the version the user chose.
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const options = { cwd: root, stdio: 'inherit' };
  const { status, error } = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, options);
  if (status !== 0) fail(`npm ci failed${error ? `: ${error.message}` : ''}`);
}

/** True when npm's record of the installed tree holds the packages of the lockfile: no more, no fewer, no other. */
function installed() {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const present = packagesOf(record);
  const wanted = packagesOf(join(root, 'package-lock.json'));
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/')) continue;
    const found = present[path];
    // An optional package belongs to another platform when it is absent.
    if (found === undefined ? !(entry.optional || entry.devOptional) : !samePackage(found, entry))
      return false;
  }
  return Object.keys(present).every((path) => Object.hasOwn(wanted, path));
}

function packagesOf(lockfile) {
  return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
}

function samePackage(a, b) {
  return a.version === b.version && a.integrity === b.integrity && a.link === b.link;
}

/** The Node that npm installed for this platform, or the one that runs us where npm has none. */
function projectNode() {
  for (const candidate of [join(bin, 'node'), process.execPath]) {
    const { stdout } = spawnSync(candidate, ['--version'], { encoding: 'utf8' });
    if (stdout?.startsWith(`v${NODE_MAJOR}.`)) return candidate;
  }
  return fail(
    `no Node ${NODE_MAJOR} for ${process.platform} ${process.arch} in node_modules; install the version in .nvmrc`,
  );
}

function build() {
  const tsc = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc');
  const { status } = spawnSync(node, [tsc, '-b', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) fail('the build failed');
}

/** Runs a script under the project's Node and ends as it ends. */
function run(script, args) {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
  const child = spawn(node, [script, ...args], { cwd: root, stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal sends SIGINT to the whole group, and twice would mean "now" instead of "please".
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal));
  }
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
