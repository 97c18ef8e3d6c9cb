/** UTF-8 in both directions, exact or refused: two different keys must never become one. */

interface Encoder {
  encode(text: string): Uint8Array;
}
interface Decoder {
  decode(bytes: Uint8Array): string;
}
// The only two names of the web platform that the cores use; every JavaScript runtime has them.
declare const TextEncoder: { new (): Encoder };
declare const TextDecoder: { new (label: string, options: { fatal: boolean; ignoreBOM: boolean }): Decoder };

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Up to this length a loop is several times faster than a call of the encoder. Measured on Node 26. */
const SHORT_CHARS_MAX = 64;

/** The bytes of a short text of ASCII alone, which most keys are; undefined for any other. */
function encodeShort(text: string): Uint8Array | undefined {
  const { length } = text;
  if (length > SHORT_CHARS_MAX) return undefined;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return undefined;
    bytes[i] = code;
  }
  return bytes;
}

/** UTF-8 bytes of `text`, or undefined when it holds a lone surrogate (which would silently become U+FFFD). */
export function encodeUtf8(text: string): Uint8Array | undefined {
  return encodeShort(text) ?? (text.isWellFormed() ? encoder.encode(text) : undefined);
}

/** The text, or undefined when `bytes` is not valid UTF-8. A byte order mark is kept as a character. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** UTF-8 bytes of a literal known to be well formed. */
export function utf8(text: string): Uint8Array {
  return encodeShort(text) ?? encoder.encode(text);
}
