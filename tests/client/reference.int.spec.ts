import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

it(
  'the reference of the client can be made, and every link in it leads somewhere',
  { timeout: 120_000 },
  async () => {
    const typedoc = join(ROOT, 'node_modules', 'typedoc', 'bin', 'typedoc');
    const options = ['--emit', 'none', '--treatWarningsAsErrors', '--logLevel', 'Warn'];
    // Fails with the warnings when there are any.
    const { stdout, stderr } = await run(process.execPath, [typedoc, ...options], { cwd: ROOT });
    expect(stdout + stderr).toBe('');
  },
);
