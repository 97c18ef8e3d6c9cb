import { z } from 'zod';

/** What one data node tells about itself at `/status`. */
export const nodeReportSchema = z.object({
  id: z.number(),
  pid: z.number(),
  version: z.string(),
  address: z.string(),
  state: z.enum(['opened', 'serving', 'draining', 'expelled', 'stopped', 'failed']),
  /** It knows a leader of every range. */
  ready: z.boolean(),
  uptimeSeconds: z.number(),
  /** Peers to which a connection stands. */
  connected: z.array(z.number()),
  requestsInFlight: z.number(),
  revision: z.number(),
  ranges: z.array(
    z.object({
      id: z.number(),
      role: z.string(),
      /** 0 = not known. */
      leader: z.number(),
      term: z.number(),
      commit: z.number(),
      applied: z.number(),
      last: z.number(),
    }),
  ),
});

export type NodeReport = z.output<typeof nodeReportSchema>;
