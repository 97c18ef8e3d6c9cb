import { linesOf } from '../rows/lines-of.ts';

/** One event of a stream (HTML, section 9.2). */
export interface ServerEvent {
  readonly type: string;
  readonly data: string;
  /** The `id:` of this event, where it is a revision. */
  readonly id: number | undefined;
}

/** The events of a `text/event-stream`, but for comments. */
export async function* readEvents(input: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  let type = 'message';
  let data: string[] = [];
  let id: number | undefined;
  for await (const line of linesOf(input)) {
    if (line === '') {
      if (data.length > 0) yield { type, data: data.join('\n'), id };
      type = 'message';
      data = [];
      id = undefined;
      continue;
    }
    const colon = line.indexOf(':');
    const [name, text] =
      colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
    if (name === 'event') type = text;
    else if (name === 'data') data.push(text);
    else if (name === 'id' && /^\d{1,16}$/.test(text)) id = Number(text);
  }
}
