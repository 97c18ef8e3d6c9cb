/** A process with one way to live or die, for the test of `runProcess`: `node process-under-test.ts <way>`. */
import { createLogger } from '@holdfast/telemetry';
import { runProcess } from '../src/run-process.ts';

const [way] = process.argv.slice(2);
const log = createLogger({ app: 'test', level: 'info' });
const never = new Promise<void>(() => undefined);

await runProcess({ log, drainMs: way === 'hangs' ? 200 : 60_000 }, (fatal) => {
  if (way === 'cannot start') return Promise.reject(new Error('no disk'));
  setInterval(() => undefined, 1000);
  log.info('serving');
  if (way === 'rejects') void Promise.reject(new Error('nobody listens'));
  if (way === 'throws') setImmediate(() => JSON.parse('{'));
  if (way === 'is told to die') setImmediate(() => fatal('the disk is broken', new Error('EIO')));
  const stop = way === 'hangs' || way === 'drains for long' ? () => never : () => Promise.resolve();
  return Promise.resolve({ stop });
});
