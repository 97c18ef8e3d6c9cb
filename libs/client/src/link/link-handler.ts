import type { Connection, ConnectionHandler } from '@holdfast/io';
import type { NodeLink } from './node-link.ts';

/** Ties one connection to its link: what a connection says after the link has given it up is not heard. */
export class LinkHandler implements ConnectionHandler {
  readonly #link: NodeLink;
  readonly #connection: Connection;

  constructor(link: NodeLink, connection: Connection) {
    this.#link = link;
    this.#connection = connection;
  }

  onOpen(): void {
    if (this.#link.isCurrent(this.#connection)) this.#link.opened();
  }

  onData(chunk: Uint8Array): void {
    if (this.#link.isCurrent(this.#connection)) this.#link.received(chunk);
  }

  onDrain(): void {
    if (this.#link.isCurrent(this.#connection)) this.#link.drained();
  }

  onClose(reason: Error | undefined): void {
    if (this.#link.isCurrent(this.#connection)) this.#link.closed(reason);
  }
}
