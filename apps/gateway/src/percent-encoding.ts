const PERCENT = 0x25;

/** The bytes that a part of a request target stands for. Node gives it as Latin-1: one character, one byte. */
export function percentDecoded(
  target: string,
  start: number,
  end: number,
  bytesMax: number,
): Uint8Array | 'malformed' | 'too large' {
  const bytes = new Uint8Array(Math.min(end - start, bytesMax));
  let length = 0;
  for (let i = start; i < end; i++) {
    let byte = target.charCodeAt(i);
    if (byte === PERCENT) {
      const high = i + 2 < end ? hexDigit(target.charCodeAt(i + 1)) : -1;
      const low = i + 2 < end ? hexDigit(target.charCodeAt(i + 2)) : -1;
      if (high < 0 || low < 0) return 'malformed';
      byte = high * 16 + low;
      i += 2;
    } else if (byte > 0xff) {
      return 'malformed';
    }
    if (length === bytesMax) return 'too large';
    bytes[length++] = byte;
  }
  return length === bytes.length ? bytes : bytes.subarray(0, length);
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
