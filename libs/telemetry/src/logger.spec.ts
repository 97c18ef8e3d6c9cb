import { expect, it } from 'vitest';
import { FrameworkLog } from './framework-log.ts';
import { createLogger } from './logger.ts';

function recorded(): { readonly lines: Record<string, unknown>[]; readonly write: (line: string) => void } {
  const lines: Record<string, unknown>[] = [];
  return { lines, write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) };
}

it('writes one object a line that says who, when and how bad', () => {
  const destination = recorded();
  const log = createLogger({ app: 'gateway', level: 'info', destination });
  log.debug('not asked for');
  log.warn({ node: 2 }, 'connection lost');
  expect(destination.lines).toEqual([
    {
      app: 'gateway',
      level: 'warn',
      msg: 'connection lost',
      node: 2,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    },
  ]);
});

it('moves what the framework says at every start to debug, and keeps its trouble', () => {
  const destination = recorded();
  const framework = new FrameworkLog(createLogger({ app: 'admin', level: 'info', destination }));
  framework.log('mapped a route', 'RouterExplorer');
  framework.error(new Error('boom'), 'a stack', 'ExceptionHandler');
  expect(destination.lines).toMatchObject([
    { level: 'error', msg: 'boom', context: 'ExceptionHandler', stack: 'a stack' },
  ]);
});
