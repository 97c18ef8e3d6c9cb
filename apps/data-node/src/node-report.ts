import { readFileSync } from 'node:fs';
import type { NodeReport } from '@holdfast/service';
import type { Node } from '@holdfast/store';

/** The version of this package. */
export const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  }
).version;

/** What the node tells about itself, with what only the process knows. */
export function nodeReport(node: Node): NodeReport {
  const { ranges, connected, ...status } = node.status();
  return {
    ...status,
    pid: process.pid,
    version: VERSION,
    uptimeSeconds: Math.round(process.uptime()),
    connected: [...connected],
    ranges: ranges.map((range) => ({ ...range })),
  };
}
