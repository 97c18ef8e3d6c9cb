import Table from 'cli-table3';
import type { Command } from 'commander';
import { GatewayStore } from '../store/gateway-store.ts';
import type { Output } from '../output.ts';

const ADMIN_URL_DEFAULT = 'http://127.0.0.1:7800';
const DEADLINE_MS = 5000;

/** The part of `GET /v1/cluster` that is shown. */
interface ClusterView {
  readonly nodes: readonly {
    readonly id: number;
    readonly state: string;
    readonly ready: boolean;
    readonly pid?: number;
    readonly address?: string;
  }[];
  readonly ranges: readonly { readonly id: number; readonly leader: number; readonly term: number }[];
}

/** `status`: the cluster as the admin app sees it. */
export function addStatusCommand(program: Command, output: Output): void {
  program
    .command('status')
    .description('show the nodes, and the leader of every range')
    .option('--admin <url>', 'address of the admin app', process.env['HOLDFAST_ADMIN'] ?? ADMIN_URL_DEFAULT)
    .option('--json', 'print JSON')
    .action(async ({ admin, json }: { readonly admin: string; readonly json?: boolean }) => {
      await using app = new GatewayStore({ url: admin, token: undefined, deadlineMs: DEADLINE_MS });
      const view = (await app.json({ method: 'GET', path: '/v1/cluster' })) as ClusterView;
      if (json === true) output.json(view);
      else output.line(tablesOf(view));
    });
}

function tablesOf({ nodes, ranges }: ClusterView): string {
  const nodeTable = new Table({ head: ['node', 'state', 'ready', 'address', 'pid'] });
  for (const { id, state, ready, address = '', pid = '' } of nodes) {
    nodeTable.push([id, state, ready ? 'yes' : 'no', address, pid]);
  }
  const rangeTable = new Table({ head: ['range', 'leader', 'term'] });
  for (const { id, leader, term } of ranges) rangeTable.push([id, leader === 0 ? 'none' : leader, term]);
  return `${nodeTable.toString()}\n${rangeTable.toString()}`;
}
