import type { Cancel } from '@holdfast/io';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST';
  /** Path and query, exactly as they go out. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  /** The longest answer that is read as a whole, in bytes. Default: one value or a problem document. */
  readonly answerBytesMax?: number;
}

export interface HttpHead {
  readonly status: number;
  /** The value of a header field, by its name in lower case. */
  header(name: string): string | undefined;
}

export interface HttpAnswer extends HttpHead {
  readonly kind: 'answer';
  readonly body: Uint8Array;
}

export interface HttpFailure {
  readonly kind: 'failure';
  /** False when not one byte of the request can have left. */
  readonly sent: boolean;
  readonly reason: Error;
}

/** Who reads an answer while it comes. Nothing is told before `stream` returns, or after it was cancelled. */
export interface HttpStreamReader {
  /** The head is there. True: its body is told piece by piece; false: as a whole, at the end. */
  opened(head: HttpHead): boolean;
  /** A piece of the body, which nobody writes again. */
  piece(bytes: Uint8Array): void;
  /** Told once, and last. Undefined: a body that came in pieces has ended as it should. */
  closed(outcome: HttpAnswer | HttpFailure | undefined): void;
}

export interface HttpStream {
  /** No more pieces, soon; what the other side sends stays on its way. */
  pause(): void;
  resume(): void;
  cancel(): void;
}

/** Sends HTTP requests to one origin over a bounded pool of connections that are kept alive. */
export interface HttpExchange {
  /**
   * Sends a request and calls `done` once, never before it returns.
   *
   * @returns gives the request up; `done` then hears a failure, unless it has been called.
   */
  send(request: HttpRequest, done: (outcome: HttpAnswer | HttpFailure) => void): Cancel;
  /** Sends a request whose answer may have no end, over a connection of its own: it takes none of the pool. */
  stream(request: HttpRequest, reader: HttpStreamReader): HttpStream;
  /** Ends every connection. */
  close(): void;
}
