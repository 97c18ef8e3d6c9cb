import type { FastifyReply } from 'fastify';

/** Up to this length, in bytes, a body is written together with its head; a longer one is not copied. */
const JOINED_BYTES_MAX = 16 * 1024;

/**
 * Answers 200 with a body that is there, past the framework's own sending: that looks at the media type, the length
 * and every field once more, which costs more than all the rest of a small answer. Fields that hooks have set go with
 * it, and `onResponse` hooks run; `onSend` hooks do not. Nothing is sent when an answer is on its way already.
 *
 * @param fields names in lower case and values by turns, without `content-length`.
 * @param body bytes, or ASCII.
 */
export function replyWhole(reply: FastifyReply, fields: readonly string[], body: Uint8Array | string): void {
  if (reply.sent) return;
  reply.hijack();
  const { raw, request } = reply;
  const head = [...fields, 'content-length', String(body.length)];
  for (const [name, value] of Object.entries(reply.getHeaders())) head.push(name, String(value));
  request.answerBytes = body.length;
  raw.writeHead(200, head);
  if (typeof body === 'string') raw.end(body, 'latin1');
  else if (body.length > JOINED_BYTES_MAX) raw.end(body);
  else raw.end(latin1Text(body), 'latin1');
}

/** Node joins a head and a text of one encoding into one buffer; head and bytes would be two. */
function latin1Text({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}
