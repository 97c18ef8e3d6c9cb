import { networkConformance, realTime } from '@holdfast/io/conformance';
import { Prng, randomChance, randomInteger } from '@holdfast/io';
import { SystemClock } from '@holdfast/io-node';
import { describe, expect, it } from 'vitest';
import { MessageNetwork } from './message-network.ts';
import { type Packet, packetOf } from './packet.ts';

/** Two processes and the messages between them, as text, lost and overtaken at these rates. */
function pair(loss: number, seed: number) {
  const random = new Prng(seed);
  const networks = new Map<string, MessageNetwork>();
  const make = (host: string): MessageNetwork => {
    const send = (to: string, packet: Packet): void => {
      const text = JSON.stringify(packet);
      const copies = randomChance(random, loss) ? randomInteger(random, 0, 2) : 1;
      const delays = Array.from({ length: copies }, () => randomInteger(random, 0, loss > 0 ? 3 : 0));
      for (const delayMs of delays) {
        const arrive = (): void => {
          const arrived = packetOf(JSON.parse(text));
          if (arrived !== undefined) networks.get(to)?.receive(host, arrived);
        };
        if (delayMs === 0) setImmediate(arrive);
        else setTimeout(arrive, delayMs);
      }
    };
    const network = new MessageNetwork({ host, life: '1', clock: new SystemClock(), send });
    networks.set(host, network);
    return network;
  };
  return { server: make('a'), client: make('b') };
}

networkConformance('MessageNetwork', () => ({
  ...pair(0, 1),
  ...realTime,
  anyAddress: 'a:0',
  floodBytes: 4 * 1024 * 1024,
}));

networkConformance('MessageNetwork that loses, repeats and reorders', () => ({
  ...pair(0.05, 2),
  ...realTime,
  anyAddress: 'a:0',
  floodBytes: 4 * 1024 * 1024,
}));

describe('packetOf', () => {
  it.each([null, 7, {}, { stream: 'x' }, { stream: 'x', kind: 'data', seq: -1, data: '' }])(
    'refuses %j',
    (body) => expect(packetOf(body)).toBeUndefined(),
  );
});
