import type { ServerResponse } from 'node:http';
import { HoldfastError } from '@holdfast/wire';
import type { FastifyReply } from 'fastify';

/** Longest wait for a reader that takes nothing, in milliseconds; then the connection ends. */
export const STALLED_READER_MS_MAX = 30_000;

/**
 * A body that is written as it comes into being. The writer waits for the reader: what the socket has not taken is at
 * most one chunk beyond its own buffer.
 */
export class LineStream {
  readonly #response: ServerResponse;
  readonly #stallMs: number;

  /** Sends the head. From here on there is no status to change: failures end the connection. */
  constructor(reply: FastifyReply, contentType: string, stallMs = STALLED_READER_MS_MAX) {
    reply.hijack();
    this.#response = reply.raw;
    this.#stallMs = stallMs;
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.raw.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' });
  }

  /** Nobody reads any more. */
  get closed(): boolean {
    return this.#response.destroyed || this.#response.closed;
  }

  /** @throws HoldfastError HF_CANCELLED when the reader is gone, or has taken nothing for too long. */
  async write(text: string): Promise<void> {
    if (this.closed) throw new HoldfastError('HF_CANCELLED', { outcome: 'not_applied' });
    if (this.#response.write(text)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: HoldfastError): void => {
        clearTimeout(timer);
        this.#response.off('drain', drained).off('close', gone);
        if (error === undefined) resolve();
        else reject(error);
      };
      const drained = (): void => settle();
      const gone = (): void => settle(new HoldfastError('HF_CANCELLED', { outcome: 'not_applied' }));
      const timer = setTimeout(() => {
        this.#response.destroy();
        gone();
      }, this.#stallMs);
      this.#response.on('drain', drained).on('close', gone);
    });
  }

  end(text: string): void {
    if (!this.closed) this.#response.end(text);
  }

  /** Ends the connection behind `text`, without the end of the body: nobody takes this for a complete answer. */
  breakOff(text: string): void {
    if (this.closed) return;
    this.#response.write(text, () => this.#response.destroy());
  }
}
