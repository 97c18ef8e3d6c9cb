import { decodeUtf8, EMPTY_BYTES } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import { percentDecoded } from './percent-encoding.ts';

/** The query of a request target, in bytes. */
const QUERY_BYTES_MAX = 16 * 1024;

/**
 * The parameters of a request target as the bytes that they stand for, from a closed list of names: what is misspelled
 * is refused instead of ignored, so that no range is larger than its sender believes. `+` stands for a space.
 */
export class Query {
  readonly #values = new Map<string, Uint8Array>();

  /** @throws HoldfastError HF_BAD_REQUEST for a name that is not among `names`, is there twice, or is malformed. */
  constructor(target: string, names: ReadonlySet<string>) {
    const start = target.indexOf('?');
    if (start < 0 || start === target.length - 1) return;
    for (const part of target.slice(start + 1).split('&')) {
      const equals = part.indexOf('=');
      const name = equals < 0 ? part : part.slice(0, equals);
      if (!names.has(name)) {
        throw new HoldfastError('HF_BAD_REQUEST', {
          detail: `there is a parameter that is none of ${[...names].join(', ')}`,
        });
      }
      if (this.#values.has(name)) {
        throw new HoldfastError('HF_BAD_REQUEST', { detail: `${name} is given more than once` });
      }
      this.#values.set(name, equals < 0 ? EMPTY_BYTES : decoded(part.slice(equals + 1), name));
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  bytes(name: string): Uint8Array | undefined {
    return this.#values.get(name);
  }

  /** @throws HoldfastError HF_BAD_REQUEST when it is not UTF-8. */
  text(name: string): string | undefined {
    const bytes = this.#values.get(name);
    if (bytes === undefined) return undefined;
    const text = decodeUtf8(bytes);
    if (text === undefined) throw new HoldfastError('HF_BAD_REQUEST', { detail: `${name} is not UTF-8` });
    return text;
  }

  /** `name`, `name=true` or `name=false`. @throws HoldfastError HF_BAD_REQUEST. */
  flag(name: string): boolean {
    const text = this.text(name);
    if (text === undefined || text === 'false') return false;
    if (text === 'true' || text === '') return true;
    throw new HoldfastError('HF_BAD_REQUEST', { detail: `${name} is true or false` });
  }

  /** A whole number from 1 to `max`. @throws HoldfastError HF_BAD_REQUEST. */
  count(name: string, byDefault: number, max: number): number {
    const text = this.text(name);
    if (text === undefined) return byDefault;
    const value = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0;
    if (value < 1 || value > max) {
      throw new HoldfastError('HF_BAD_REQUEST', { detail: `${name} is a whole number from 1 to ${max}` });
    }
    return value;
  }
}

function decoded(text: string, name: string): Uint8Array {
  const bytes = percentDecoded(text.replaceAll('+', ' '), 0, text.length, QUERY_BYTES_MAX);
  if (typeof bytes !== 'string') return bytes;
  throw new HoldfastError('HF_BAD_REQUEST', { detail: `${name} is ${bytes}` });
}
