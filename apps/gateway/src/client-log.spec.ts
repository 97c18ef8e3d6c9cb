import { nodeId } from '@holdfast/io';
import { createLogger } from '@holdfast/telemetry';
import { HoldfastError } from '@holdfast/wire';
import { expect, it } from 'vitest';
import { logClient } from './client-log.ts';

it('tells the loss and the return of a node once each', () => {
  const lines: string[] = [];
  const destination = {
    write(line: string): void {
      const { level, msg } = JSON.parse(line) as { level: string; msg: string };
      lines.push(`${level}: ${msg}`);
    },
  };
  const observer = logClient(createLogger({ app: 'gateway', level: 'info', destination }));
  const node = nodeId(1);
  observer.connected?.('a:1', node);
  for (let i = 0; i < 3; i++) observer.disconnected?.('a:1', node, new HoldfastError('HF_CONNECTION_LOST'));
  observer.connected?.('a:1', node);
  observer.disconnected?.('b:1', node, new HoldfastError('HF_CANCELLED'));
  expect(lines).toEqual(['warn: lost the connection to a node', 'info: connected to a node']);
});
