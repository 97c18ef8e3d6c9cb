import {
  addressSetting,
  clusterIdSetting,
  isWholeTls,
  listSetting,
  logLevelSetting,
  millisecondsSetting,
  nodeTokenSetting,
  numberedSetting,
  portSetting,
  tlsSettings,
  WHOLE_TLS,
} from '@holdfast/service';
import { z } from 'zod';

/** The configuration of a data node: `nodeId` is set by `HOLDFAST_NODE_ID`, and so on. */
export const settingsSchema = z
  .object({
    nodeId: z.coerce.number().int().min(1).max(0xffff_ffff).describe('Id of this node, never reused.'),
    clusterId: clusterIdSetting.describe('The cluster that this node belongs to.'),
    members: listSetting(numberedSetting(addressSetting)).describe(
      'All nodes of a new cluster, this one included: 1=host:port,2=host:port. For a node that joins, some to ask.',
    ),
    join: z
      .stringbool()
      .default(false)
      .describe('An empty data directory waits to be added to a running cluster instead of founding one.'),
    address: addressSetting
      .optional()
      .describe('Where to listen, and where others reach this node; by default the own address in members.'),
    dataDirectory: z.string().min(1).describe('Where everything of this node lies.'),
    nodeToken: listSetting(nodeTokenSetting)
      .optional()
      .describe(
        'What whoever connects to a data node must know; several during a change, the first is what this node says itself. By default nobody is asked. A secret: as a file, HOLDFAST_NODE_TOKEN_FILE.',
      ),
    ...tlsSettings,
    httpHost: z.string().min(1).default('127.0.0.1').describe('Where health, metrics and status are served.'),
    httpPort: portSetting.default(7721).describe('Port of HTTP.'),
    drainMs: millisecondsSetting
      .default(3000)
      .describe('Longest wait for hand-over and open answers when stopping.'),
    leaders: z
      .enum(['together', 'spread'])
      .default('together')
      .describe(
        'Who leads the ranges of a starting cluster: one node for all (best on one machine), or the nodes in turn.',
      ),
    compression: listSetting(z.enum(['none', 'lz4', 'zstd']))
      .default(['none'])
      .describe(
        'Compression of tables by level, from level 0 down; the last one is for all deeper levels. For data larger than memory: none,none,lz4,lz4,lz4,lz4,zstd. What is there already stays readable and changes as it is compacted.',
      ),
    compactionBytesPerSecond: z.coerce
      .number()
      .int()
      .min(0)
      .default(0)
      .describe(
        'Bytes a second that compaction may write as long as no stall of writes is near; 0 for no limit.',
      ),
    diskReserveBytes: z.coerce
      .number()
      .int()
      .min(0)
      .default(32 * 2 ** 20)
      .describe(
        'Bytes of a file that is given up when the disk is full, so that flushes and compaction can finish; 0 for none.',
      ),
    logLevel: logLevelSetting,
  })
  .refine(isWholeTls, WHOLE_TLS)
  .refine(({ nodeId, members, join }) => join || members.some(({ id }) => id === nodeId), {
    path: ['members'],
    message: 'this node is not among them',
  })
  .refine(
    ({ nodeId, members, address }) => address !== undefined || members.some(({ id }) => id === nodeId),
    {
      path: ['address'],
      message: 'needed, because this node is not among the members',
    },
  )
  .refine(({ members }) => new Set(members.map(({ id }) => id)).size === members.length, {
    path: ['members'],
    message: 'an id occurs twice',
  });

export type Settings = z.output<typeof settingsSchema>;
