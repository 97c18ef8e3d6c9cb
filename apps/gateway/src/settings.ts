import {
  addressSetting,
  clusterIdSetting,
  isWholeTls,
  listSetting,
  logLevelSetting,
  millisecondsSetting,
  nodeTokenSetting,
  portSetting,
  tlsSettings,
  WHOLE_TLS,
} from '@holdfast/service';
import { z } from 'zod';
import { accessSettings } from './access/access-settings.ts';

/** The configuration of a gateway: `httpPort` is set by `HOLDFAST_HTTP_PORT`, and so on. */
export const settingsSchema = z
  .object({
    httpHost: z.string().min(1).default('127.0.0.1').describe('Where HTTP is served.'),
    httpPort: portSetting.default(7700).describe('Port of HTTP.'),
    seeds: listSetting(addressSetting)
      .default(['127.0.0.1:7711', '127.0.0.1:7712', '127.0.0.1:7713'])
      .describe('Data nodes to ask first: host:port,host:port.'),
    clusterId: clusterIdSetting
      .optional()
      .describe('The cluster to talk to; by default the first one that answers.'),
    nodeToken: nodeTokenSetting
      .optional()
      .describe('What data nodes want to hear, if they ask. A secret: as a file, HOLDFAST_NODE_TOKEN_FILE.'),
    ...tlsSettings,
    ...accessSettings,
    drainMs: millisecondsSetting.default(10_000).describe('Longest wait for open requests when stopping.'),
    logLevel: logLevelSetting,
  })
  .refine(isWholeTls, WHOLE_TLS);

export type Settings = z.output<typeof settingsSchema>;
