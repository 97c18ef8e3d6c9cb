import {
  listSetting,
  logLevelSetting,
  millisecondsSetting,
  numberedSetting,
  portSetting,
} from '@holdfast/service';
import { z } from 'zod';

const nodeUrl = z.string().regex(/^https?:\/\/[^/?#\s]+$/, 'http://host:port');

/** The configuration of the admin app: `httpPort` is set by `HOLDFAST_HTTP_PORT`, and so on. */
export const settingsSchema = z.object({
  httpHost: z.string().min(1).default('127.0.0.1').describe('Where HTTP is served.'),
  httpPort: portSetting.default(7800).describe('Port of HTTP.'),
  nodes: listSetting(numberedSetting(nodeUrl))
    .default([
      { id: 1, value: 'http://127.0.0.1:7721' },
      { id: 2, value: 'http://127.0.0.1:7722' },
      { id: 3, value: 'http://127.0.0.1:7723' },
    ])
    .describe('The HTTP side of every data node: 1=http://host:port,2=http://host:port.'),
  drainMs: millisecondsSetting.default(5000).describe('Longest wait for open requests when stopping.'),
  logLevel: logLevelSetting,
});

export type Settings = z.output<typeof settingsSchema>;
