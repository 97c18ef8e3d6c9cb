import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { readSettings } from '@holdfast/service';
import { createLogger } from '@holdfast/telemetry';
import { VALUE_BYTES_MAX } from '@holdfast/wire';
import { BATCH_BYTES_MAX } from './batch/batch-routes.ts';
import { openGateway } from './open-gateway.ts';
import { settingsSchema } from './settings.ts';

/** A request's body, in bytes: it is in memory before the route knows it. */
const BODY_BYTES_MAX = Math.max(VALUE_BYTES_MAX, BATCH_BYTES_MAX);
/** Header fields that belong to a connection, of which a function has none. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);

/** A gateway as a function: what function platforms call, and what a test calls without a socket. */
export interface Handler {
  (request: Request): Promise<Response>;
  /** Ends the connections to the nodes. A platform that freezes and drops its functions need not call it. */
  close(): Promise<void>;
}

/**
 * A gateway that answers requests instead of listening. It opens its connections to the nodes at once and keeps them
 * between calls, so it is made once per process, outside of the function. It keeps no state of its own: any number may
 * run side by side, and be dropped at any moment.
 *
 * @param environment settings as variables, `HOLDFAST_SEEDS` and so on.
 * @throws SettingsError with everything that is wrong.
 */
export async function createHandler(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Handler> {
  const settings = readSettings(settingsSchema, environment);
  const gateway = await openGateway(settings, createLogger({ app: 'gateway', level: settings.logLevel }));
  await gateway.app.init();
  const fastify = gateway.app.getHttpAdapter().getInstance();
  await fastify.ready();
  const handle = async (request: Request): Promise<Response> => {
    const body = request.body === null ? undefined : await bodyOf(request.body as ReadableStream<Uint8Array>);
    const answer = await fastify.inject({
      method: request.method as 'GET',
      url: request.url.slice(new URL(request.url).origin.length),
      headers: Object.fromEntries(request.headers),
      ...(body === undefined ? {} : { payload: body }),
      payloadAsStream: true,
    });
    return responseOf(request.method, answer);
  };
  return Object.assign(handle, { close: () => gateway.close() });
}

/** What is too large is cut behind the limit: the route then refuses it as it refuses every body that is too large. */
async function bodyOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) break;
  }
  return Buffer.concat(chunks, Math.min(bytes, BODY_BYTES_MAX + 1));
}

interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, number | string | readonly string[] | undefined>>;
  stream(): Readable;
}

function responseOf(method: string, answer: Answer): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value === undefined || HOP_BY_HOP.has(name)) continue;
    for (const one of [value].flat()) headers.append(name, String(one));
  }
  const status = answer.statusCode;
  const bodiless = method === 'HEAD' || status === 204 || status === 304;
  const stream = answer.stream();
  if (bodiless) stream.resume();
  const body = bodiless
    ? null
    : (Readable.toWeb(stream) as unknown as ConstructorParameters<typeof Response>[0]);
  return new Response(body, { status, headers });
}
