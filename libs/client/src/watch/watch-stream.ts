import { decodeUtf8, type Revision } from '@holdfast/io';
import { ChangeKind, HoldfastError } from '@holdfast/wire';
import type { AbortSignalLike } from '../api/abort.ts';
import type { Codec } from '../api/codec.ts';
import type { ContentTypes } from '../api/content-type.ts';
import type { Transport } from '../transport.ts';
import type { Change, WatchQuery, WatchSink } from './watch-query.ts';

interface KeyChange {
  /** The key as text; undefined when its bytes are not UTF-8. */
  readonly key: string | undefined;
  readonly keyBytes: Uint8Array;
  readonly revision: Revision;
  /** `from` of a watch that is to go on behind this event. */
  readonly resume: number;
}

/** What a watch tells. Events come in the order of their revisions. */
export type WatchEvent<T> =
  | (KeyChange & { readonly type: 'put'; readonly value: T; readonly contentType: string })
  | (KeyChange & { readonly type: 'delete' | 'expire' })
  | { readonly type: 'progress'; readonly revision: Revision; readonly resume: number };

export interface WatchStreamOptions {
  /** Tell `progress` too. */
  readonly progress: boolean;
  readonly signal: AbortSignalLike | undefined;
}

/**
 * A watch as an iterator: holds what has come and was not taken, which the window of the watch bounds. Ends when the
 * signal aborts or the loop is left; throws what ends the watch otherwise.
 */
export async function* watchStream<T>(
  transport: Transport,
  query: WatchQuery,
  options: WatchStreamOptions,
  codec: Codec<T>,
  contentTypes: ContentTypes,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const { signal, progress } = options;
  if (signal?.aborted === true) return;
  const inbox = new Inbox(progress);
  const handle = transport.watch(query, inbox);
  const abort = (): void => inbox.stop();
  signal?.addEventListener('abort', abort);
  try {
    for (;;) {
      const next = inbox.take();
      if (next === undefined) {
        if (inbox.isOver) return;
        await inbox.more();
      } else if (next instanceof HoldfastError) {
        throw next;
      } else if (typeof next === 'number') {
        yield { type: 'progress', revision: next as Revision, resume: next };
      } else {
        yield eventOf(next, codec, contentTypes);
        handle.taken(next);
      }
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    handle.cancel();
  }
}

function eventOf<T>(change: Change, codec: Codec<T>, contentTypes: ContentTypes): WatchEvent<T> {
  const { record, resume } = change;
  const { kind, key } = record;
  const common = { key: decodeUtf8(key), keyBytes: key, revision: record.revision as Revision, resume };
  if (kind === ChangeKind.put) {
    const contentType = contentTypes.decode(record.contentType);
    return { type: 'put', ...common, value: codec.decode(record.value), contentType };
  }
  return { type: kind === ChangeKind.delete ? 'delete' : 'expire', ...common };
}

/** What has come and waits to be taken: changes, at most one progress mark behind them, or the end. */
class Inbox implements WatchSink {
  readonly #wantsProgress: boolean;
  #changes: Change[] = [];
  #next = 0;
  #progress = 0;
  #error: HoldfastError | undefined;
  #wake: (() => void) | undefined;
  isOver = false;

  constructor(wantsProgress: boolean) {
    this.#wantsProgress = wantsProgress;
  }

  take(): Change | number | HoldfastError | undefined {
    if (this.isOver && this.#error === undefined) return undefined;
    if (this.#next < this.#changes.length) {
      const change = this.#changes[this.#next++];
      if (this.#next === this.#changes.length) {
        this.#changes = [];
        this.#next = 0;
      }
      return change;
    }
    const progress = this.#progress;
    this.#progress = 0;
    return progress > 0 ? progress : this.#error;
  }

  /** Resolves when {@link take} has something, or it is over. */
  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  change(change: Change): void {
    this.#changes.push(change);
    this.#ring();
  }

  progress(revision: number): void {
    if (!this.#wantsProgress) return;
    this.#progress = revision;
    this.#ring();
  }

  ended(error: HoldfastError): void {
    this.#error = error;
    this.isOver = true;
    this.#ring();
  }

  stop(): void {
    this.#error = undefined;
    this.isOver = true;
    this.#ring();
  }

  #ring(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
