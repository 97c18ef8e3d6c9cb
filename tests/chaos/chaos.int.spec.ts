import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const BUILD_MS_MAX = 240_000;
/** Bounded by the run itself; this only catches one that hangs. */
const RUN_MS_MAX = 8 * 60_000;

function node(args: readonly string[], timeout: number) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    timeout,
  });
  return { status, output: `${stdout}${stderr}` };
}

// The processes run what is built.
beforeAll(() => {
  const { status, output } = node(
    [join('node_modules', '@typescript', 'native', 'bin', 'tsc'), '-b', 'tsconfig.build.json'],
    BUILD_MS_MAX,
  );
  expect(status, output).toBe(0);
}, BUILD_MS_MAX);

/** Fresh seeds: every run of the tests sees other faults. A failure prints the command that repeats it. */
it.each([
  { storage: 'app', minutes: 0.5 },
  { storage: 'small', minutes: 2 },
])(
  'three nodes, storage $storage, hold under faults',
  ({ storage, minutes }) => {
    const seed = randomInt(1, 2 ** 31);
    const { status, output } = node(
      ['--conditions=source', join('tests', 'chaos', 'chaos.ts')].concat(
        ['--minutes', String(minutes), '--seed', String(seed)],
        ['--faults', 'all', '--storage', storage],
      ),
      RUN_MS_MAX,
    );
    console.log(output);
    expect(status, output).toBe(0);
  },
  RUN_MS_MAX,
);
