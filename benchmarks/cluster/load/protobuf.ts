/** The few lines of protocol buffers that etcd's key-value calls need: length-delimited fields and varints. */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** A field of bytes: tag, length, content. */
export function bytesField(field: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([varint((field << 3) | BYTES), varint(content.length), content]);
}

/** A field that is a number or a truth value. */
export function numberField(field: number, value: number): Uint8Array {
  return Buffer.concat([varint((field << 3) | VARINT), varint(value)]);
}

/** Calls back with the place of every field of bytes in `bytes[from, to)`. @throws Error when it is no message. */
export function readBytesFields(
  bytes: Uint8Array,
  from: number,
  to: number,
  field: (number: number, from: number, to: number) => void,
): void {
  let at = from;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; at < to; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new Error('a message that ends inside a number');
  };
  while (at < to) {
    const tag = next();
    switch (tag & 7) {
      case VARINT:
        next();
        break;
      case FIXED64:
        at += 8;
        break;
      case FIXED32:
        at += 4;
        break;
      case BYTES: {
        const length = next();
        field(tag >>> 3, at, at + length);
        at += length;
        break;
      }
      default:
        throw new Error(`wire type ${tag & 7}`);
    }
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
