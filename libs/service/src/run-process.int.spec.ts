import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SUPERVISED_VARIABLE } from './run-process.ts';

const script = join(import.meta.dirname, '..', 'testing', 'process-under-test.ts');

interface Life {
  readonly code: number | null;
  readonly fatal: readonly string[];
}

/** Runs a process to its end; each signal is sent when a line with the text appears. */
function live(
  way: string,
  signals: readonly (readonly [at: string, signal: NodeJS.Signals])[] = [],
): Promise<Life> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--conditions=source', script, way]);
    const fatal: string[] = [];
    const pending = [...signals];
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (text + chunk.toString()).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const { level, msg } = JSON.parse(line) as { level: string; msg: string };
        if (level === 'fatal') fatal.push(msg);
        const next = pending[0];
        if (next !== undefined && msg === next[0]) {
          pending.shift();
          child.kill(next[1]);
        }
      }
    });
    child.once('close', (code) => resolve({ code, fatal }));
  });
}

it('stops in order on SIGTERM and on SIGINT', async () => {
  expect(await live('well', [['serving', 'SIGTERM']])).toEqual({ code: 0, fatal: [] });
  expect(await live('well', [['serving', 'SIGINT']])).toEqual({ code: 0, fatal: [] });
});

it('stops in order when its supervisor is gone', async () => {
  const child = spawn(process.execPath, ['--conditions=source', script, 'well'], {
    env: { ...process.env, [SUPERVISED_VARIABLE]: '1' },
  });
  child.stdout.once('data', () => child.stdin.destroy());
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
});

it('stops at once on a second signal', async () => {
  const twice = [
    ['serving', 'SIGTERM'],
    ['stopping', 'SIGTERM'],
  ] as const;
  expect(await live('drains for long', twice)).toEqual({ code: 143, fatal: [] });
});

it.each([
  ['cannot start', 'could not start: no disk'],
  ['rejects', 'unhandled rejection: nobody listens'],
  ['throws', expect.stringMatching(/^unexpected error: .*JSON/)],
  ['is told to die', 'the disk is broken: EIO'],
])('a process that %s says so in one line and exits with 1', async (way, line) => {
  expect(await live(way)).toEqual({ code: 1, fatal: [line] });
});

it('does not drain for longer than it may', async () => {
  const life = await live('hangs', [['serving', 'SIGTERM']]);
  expect(life).toEqual({ code: 1, fatal: ['not stopped in time: still busy after 200 ms'] });
});
