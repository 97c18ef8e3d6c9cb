/**
 * `npm run sdk:others`: makes clients for Python, Go and Java from docs/openapi.json with OpenAPI Generator, compiles
 * them, and runs a smoke test of each against a cluster of this machine. What a language needs and this machine lacks
 * is said in one line, and the language is left out.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { freeClusterPorts } from '../cluster/free-ports.ts';
import { LocalCluster } from '../cluster/local-cluster.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const WORK = join(ROOT, '.holdfast', 'sdk');
const SMOKE = join(ROOT, 'sdks', 'smoke');
const DOCUMENT = join(ROOT, 'docs', 'openapi.json');
const GENERATOR = '7.16.0';
const START_MS_MAX = 60_000;

interface Language {
  readonly name: string;
  readonly programs: readonly string[];
  readonly options: readonly string[];
  /** Compiles the client in `directory`. */
  build(directory: string): void;
  smoke(directory: string, url: string, token: string): void;
}

const LANGUAGES: readonly Language[] = [
  {
    name: 'python',
    programs: ['python3'],
    options: ['--additional-properties=packageName=holdfast_sdk'],
    build(directory) {
      run('python3', ['-m', 'venv', 'venv'], directory);
      run(join(directory, 'venv', 'bin', 'pip'), ['install', '--quiet', '.'], directory);
    },
    smoke(directory, url, token) {
      run(join(directory, 'venv', 'bin', 'python'), [join(SMOKE, 'smoke.py'), url, token], directory);
    },
  },
  {
    name: 'go',
    programs: ['go'],
    options: [
      '--additional-properties=packageName=holdfast,withGoMod=true',
      '--git-user-id',
      'holdfast',
      '--git-repo-id',
      'sdk',
    ],
    build(directory) {
      mkdirSync(join(directory, 'smoke'), { recursive: true });
      copyFileSync(join(SMOKE, 'smoke.go'), join(directory, 'smoke', 'main.go'));
      run('go', ['build', '-o', 'smoke/smoke', './smoke'], directory);
    },
    smoke(directory, url, token) {
      run(join(directory, 'smoke', 'smoke'), [url, token], directory);
    },
  },
  {
    name: 'java',
    programs: ['mvn'],
    options: [
      '--library',
      'native',
      '--group-id',
      'io.holdfast',
      '--artifact-id',
      'holdfast-sdk',
      '--api-package',
      'io.holdfast.sdk.api',
      '--model-package',
      'io.holdfast.sdk.model',
      '--invoker-package',
      'io.holdfast.sdk',
      '--additional-properties=hideGenerationTimestamp=true',
    ],
    build(directory) {
      run('mvn', ['-q', '-B', 'compile'], directory);
      run(
        'mvn',
        ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=target/libraries'],
        directory,
      );
    },
    smoke(directory, url, token) {
      const classPath = [join('target', 'classes'), join('target', 'libraries', '*')].join(delimiter);
      run('java', ['-cp', classPath, join(SMOKE, 'Smoke.java'), url, token], directory);
    },
  },
];

function run(program: string, args: readonly string[], directory: string): void {
  const { status, error } = spawnSync(program, args, {
    cwd: directory,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error(`${program} ended with ${status ?? error?.message}`);
}

function isThere(program: string): boolean {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .some((directory) => existsSync(join(directory, program)));
}

/** Where the generator is; it comes from Maven Central once and stays. */
function generatorJar(): string {
  const jar = join(WORK, `openapi-generator-cli-${GENERATOR}.jar`);
  if (!existsSync(jar)) {
    const artifact = `-Dartifact=org.openapitools:openapi-generator-cli:${GENERATOR}`;
    run('mvn', ['-q', '-B', 'dependency:copy', artifact, `-DoutputDirectory=${WORK}`], ROOT);
  }
  return jar;
}

function generate(jar: string, { name, options }: Language): string {
  const directory = join(WORK, name);
  rmSync(directory, { recursive: true, force: true });
  const args = ['generate', '-i', DOCUMENT, '-g', name, '-o', directory, ...options];
  const { status, stdout, stderr } = spawnSync('java', ['-jar', jar, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the generator ended with ${status}:\n${stdout}${stderr}`);
  return directory;
}

async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  mkdirSync(WORK, { recursive: true });
  const missing = ['java', 'mvn'].filter((program) => !isThere(program));
  if (missing.length > 0) {
    console.log(`skipped: the generator needs ${missing.join(' and ')}`);
    return;
  }
  const jar = generatorJar();
  const data = mkdtempSync(join(WORK, 'cluster-'));
  const cluster = new LocalCluster({
    root: ROOT,
    dataDirectory: data,
    ports: await freeClusterPorts(),
    onLine: () => undefined,
  });
  try {
    await cluster.start(START_MS_MAX);
    for (const language of LANGUAGES) {
      const { name, programs } = language;
      if (positionals.length > 0 && !positionals.includes(name)) continue;
      const lacking = programs.filter((program) => !isThere(program));
      if (lacking.length > 0) {
        console.log(`${name}: skipped, ${lacking.join(' and ')} not found`);
        continue;
      }
      const directory = generate(jar, language);
      language.build(directory);
      language.smoke(directory, cluster.gatewayUrl, cluster.rootKey);
      console.log(`${name}: made, compiled, and tried against a cluster`);
    }
  } finally {
    await cluster.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

await main();
