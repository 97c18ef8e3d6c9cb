import type { Cancel } from '@holdfast/io';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST';
  /** Path and query, exactly as they go out. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  /** The longest answer that is read, in bytes. Default: one value or a problem document. */
  readonly answerBytesMax?: number;
}

export interface HttpAnswer {
  readonly kind: 'answer';
  readonly status: number;
  /** The value of a header field, by its name in lower case. */
  header(name: string): string | undefined;
  readonly body: Uint8Array;
}

export interface HttpFailure {
  readonly kind: 'failure';
  /** False when not one byte of the request can have left. */
  readonly sent: boolean;
  readonly reason: Error;
}

/** Sends HTTP requests to one origin over a bounded pool of connections that are kept alive. */
export interface HttpExchange {
  /**
   * Sends a request and calls `done` once, never before it returns.
   *
   * @returns gives the request up; `done` then hears a failure, unless it has been called.
   */
  send(request: HttpRequest, done: (outcome: HttpAnswer | HttpFailure) => void): Cancel;
  /** Ends every connection. */
  close(): void;
}
