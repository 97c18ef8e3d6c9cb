import {
  addressSetting,
  isWholeTls,
  listSetting,
  millisecondsSetting,
  nodeTokenSetting,
  portSetting,
  tlsSettings,
  WHOLE_TLS,
} from '@holdfast/service';
import { LOG_LEVELS } from '@holdfast/telemetry';
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
    clusterId: z
      .string()
      .regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits')
      .optional()
      .describe('The cluster to talk to; by default the first one that answers.'),
    nodeToken: nodeTokenSetting
      .optional()
      .describe('What data nodes want to hear, if they ask. A secret: as a file, HOLDFAST_NODE_TOKEN_FILE.'),
    ...tlsSettings,
    ...accessSettings,
    drainMs: millisecondsSetting.default(10_000).describe('Longest wait for open requests when stopping.'),
    logLevel: z
      .enum(LOG_LEVELS)
      .default('info')
      .describe(`One of ${LOG_LEVELS.join(', ')}.`),
  })
  .refine(isWholeTls, WHOLE_TLS);

export type Settings = z.output<typeof settingsSchema>;
