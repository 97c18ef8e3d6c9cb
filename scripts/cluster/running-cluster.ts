import { dirname } from 'node:path';
import { type ClusterView, viewCluster } from '@holdfast/service';
import { dataDirectoryOf } from './data-directory.ts';
import { type NodePorts, httpUrl, portsOf } from './layout.ts';
import { nodeIdsOf } from './node-ids.ts';
import { readRunFile, type RunFile } from './run-file.ts';

const REPORT_MS = 1000;

/** The cluster that `npm start` runs with this environment, as the tools find it. */
export interface RunningCluster {
  readonly dataDirectory: string;
  readonly nodes: readonly NodePorts[];
  /** Undefined when no supervisor runs. */
  readonly run: RunFile | undefined;
  view(): Promise<ClusterView>;
}

export function runningCluster(): RunningCluster {
  const root = dirname(dirname(import.meta.dirname));
  const dataDirectory = dataDirectoryOf(root, process.env);
  const { nodes } = portsOf(process.env, nodeIdsOf(dataDirectory));
  const run = readRunFile(dataDirectory);
  const urlOf = ({ id, http }: NodePorts): string =>
    run?.processes.find(({ name }) => name === `node-${id}`)?.url ?? httpUrl(http);
  const targets = nodes.map((node) => ({ id: node.id, url: urlOf(node) }));
  return { dataDirectory, nodes, run, view: () => viewCluster(targets, REPORT_MS) };
}
