/**
 * What two ends of a stream tell each other, each in one message that may be lost, repeated or overtaken.
 * Segments are numbered from 0 in each direction: `open`, then `data`, then `end`.
 */
export type Segment =
  /** The first segment of either side. The one who connects says where to. */
  | { readonly kind: 'open'; readonly seq: 0; readonly address?: string }
  | { readonly kind: 'data'; readonly seq: number; readonly data: string }
  /** Nothing follows. */
  | { readonly kind: 'end'; readonly seq: number };

export type Packet = { readonly stream: string } & (
  | Segment
  /** Everything below `seq` has arrived. */
  | { readonly kind: 'ack'; readonly seq: number }
  /** The stream is gone; `refused`: there never was one. */
  | { readonly kind: 'reset'; readonly refused: boolean }
);

/** The packet, or undefined for anything else. */
export function packetOf(body: unknown): Packet | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { stream, kind, seq, data, address, refused } = body as Readonly<Record<string, unknown>>;
  if (typeof stream !== 'string') return undefined;
  if (kind === 'reset') return { stream, kind, refused: refused === true };
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0) return undefined;
  switch (kind) {
    case 'open':
      return { stream, kind, seq: 0, ...(typeof address === 'string' && { address }) };
    case 'data':
      return typeof data === 'string' ? { stream, kind, seq, data } : undefined;
    case 'end':
    case 'ack':
      return { stream, kind, seq };
    default:
      return undefined;
  }
}
