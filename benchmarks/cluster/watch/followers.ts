/**
 * The watching half of the benchmark: a process of its own, so that what watching costs the watchers is not taken for
 * what it costs the writers. Told over the message channel what to watch; tells what has come.
 */
import { connect } from '@holdfast/client/node';
import { utf8 } from '@holdfast/io';
import type { WatchHandle } from '@holdfast/client';
import { stampOf } from './stamp.ts';

/** To this process. */
export type Order =
  | { readonly kind: 'watch'; readonly prefixes: readonly string[]; readonly connections: number }
  | { readonly kind: 'report' }
  | { readonly kind: 'stop' };
/** From it. Latencies in milliseconds, of a sample of the changes that have come since the last report. */
export type Report =
  | { readonly kind: 'standing' }
  | {
      readonly kind: 'report';
      readonly changes: number;
      readonly cpuMs: number;
      readonly latenciesMs: readonly number[];
    };

/** Every so many changes, the latency of one is kept. */
const SAMPLE = 17;

const [addresses = ''] = process.argv.slice(2);
let changes = 0;
let latenciesMs: number[] = [];
let cpu = process.cpuUsage();
const send = (report: Report): void => {
  process.send?.(report);
};

async function watch({
  prefixes,
  connections,
}: Extract<Order, { kind: 'watch' }>): Promise<() => Promise<void>> {
  const clients = await Promise.all(
    Array.from({ length: connections }, () => connect(`holdfast://${addresses}`)),
  );
  const handles: WatchHandle[] = [];
  await Promise.all(
    prefixes.map(
      (prefix, i) =>
        new Promise<void>((resolve, reject) => {
          const client = clients[i % clients.length]!;
          const start = utf8(prefix);
          const end = utf8(`${prefix}\u{10ffff}`);
          const handle = client.watch(
            { keyspace: 'default', start, end, after: 0 },
            {
              change(change) {
                if (++changes % SAMPLE === 0) {
                  latenciesMs.push(performance.timeOrigin + performance.now() - stampOf(change.record.value));
                }
                handle.taken(change);
              },
              progress: () => resolve(),
              ended: reject,
            },
          );
          handles.push(handle);
        }),
    ),
  );
  return async () => {
    for (const handle of handles) handle.cancel();
    await Promise.all(clients.map((client) => client.close()));
  };
}

let unwatch: (() => Promise<void>) | undefined;
process.on('message', (order: Order) => {
  void (async () => {
    switch (order.kind) {
      case 'watch':
        unwatch = await watch(order);
        send({ kind: 'standing' });
        break;
      case 'report': {
        const { user, system } = process.cpuUsage(cpu);
        send({ kind: 'report', changes, cpuMs: (user + system) / 1000, latenciesMs });
        changes = 0;
        latenciesMs = [];
        cpu = process.cpuUsage();
        break;
      }
      case 'stop':
        await unwatch?.();
        process.disconnect?.();
        break;
    }
  })();
});
// Whoever measures is gone, in order or not: nobody is left to report to.
process.on('disconnect', () => process.exit());
