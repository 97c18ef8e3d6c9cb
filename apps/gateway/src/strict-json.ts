import { decodeUtf8 } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';

/** Objects and arrays inside each other, counted in opened brackets. */
export const JSON_DEPTH_MAX = 64;

/** A member that is kept as it was written: its syntax has been checked, its numbers have not been rounded. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type StrictJson =
  | null
  | boolean
  | number
  | string
  | RawJson
  | readonly StrictJson[]
  | { readonly [name: string]: StrictJson };

const NO_MEMBERS: ReadonlySet<string> = new Set();
const WHITESPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const WORDS = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;

/**
 * JSON of which every sender and every reader has the same idea (RFC 7493): UTF-8, no member twice, no lone surrogate,
 * no integer that a double cannot hold, at most {@link JSON_DEPTH_MAX} levels. Objects have no prototype, so
 * `__proto__` is a name like any other.
 *
 * @param rawMembers names of members whose values are given as {@link RawJson}.
 * @throws HoldfastError HF_BAD_REQUEST, with the position; the text itself is never told.
 */
export function parseStrictJson(bytes: Uint8Array, rawMembers = NO_MEMBERS): StrictJson {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new HoldfastError('HF_BAD_REQUEST', { detail: 'the body is not UTF-8' });
  return new Parser(text, rawMembers).document();
}

class Parser {
  readonly #text: string;
  readonly #rawMembers: ReadonlySet<string>;
  #at = 0;
  #depth = 0;
  /** Inside a raw member: only the syntax counts. */
  #raw = false;

  constructor(text: string, rawMembers: ReadonlySet<string>) {
    this.#text = text;
    this.#rawMembers = rawMembers;
  }

  document(): StrictJson {
    this.#skip();
    const value = this.#value();
    this.#skip();
    if (this.#at < this.#text.length) this.#fail('is behind the end of the document');
    return value;
  }

  #value(): StrictJson {
    switch (this.#text[this.#at]) {
      case '{':
        return this.#nested(() => this.#object());
      case '[':
        return this.#nested(() => this.#array());
      case '"':
        return this.#string();
      default: {
        const word = this.#word();
        return word === undefined ? this.#number() : word;
      }
    }
  }

  #nested<T>(read: () => T): T {
    this.#depth++;
    if (this.#depth > JSON_DEPTH_MAX) this.#fail(`is nested deeper than ${JSON_DEPTH_MAX} levels`);
    this.#at++;
    this.#skip();
    const value = read();
    this.#depth--;
    return value;
  }

  #object(): StrictJson {
    const object = Object.create(null) as Record<string, StrictJson>;
    if (this.#took('}')) return object;
    do {
      this.#skip();
      const at = this.#at;
      if (this.#text[at] !== '"') this.#fail('is not the name of a member');
      const name = this.#string();
      if (Object.hasOwn(object, name)) this.#fail('is a member that was there before', at);
      this.#skip();
      if (!this.#took(':')) this.#fail('is not ":"');
      this.#skip();
      object[name] = !this.#raw && this.#rawMembers.has(name) ? this.#rawValue() : this.#value();
      this.#skip();
    } while (this.#took(','));
    if (!this.#took('}')) this.#fail('is not "," or "}"');
    return object;
  }

  #array(): StrictJson {
    const items: StrictJson[] = [];
    if (this.#took(']')) return items;
    do {
      this.#skip();
      items.push(this.#value());
      this.#skip();
    } while (this.#took(','));
    if (!this.#took(']')) this.#fail('is not "," or "]"');
    return items;
  }

  #rawValue(): RawJson {
    const start = this.#at;
    this.#raw = true;
    this.#value();
    this.#raw = false;
    return new RawJson(this.#text.slice(start, this.#at));
  }

  #string(): string {
    const at = this.#at;
    this.#at = this.#stringEnd(at + 1);
    const value = JSON.parse(this.#text.slice(at, this.#at)) as string;
    if (!this.#raw && !value.isWellFormed()) this.#fail('is a string with a lone surrogate', at);
    return value;
  }

  /** The position behind the closing quote of a string whose text begins at `at`. */
  #stringEnd(at: number): number {
    for (let i = at; ;) {
      const unit = this.#text.charCodeAt(i);
      if (unit === QUOTE) return i + 1;
      if (unit === BACKSLASH) {
        ESCAPE.lastIndex = i;
        const escape = ESCAPE.exec(this.#text);
        if (escape === null) return this.#fail('is no escape', i);
        i += escape[0].length;
      } else if (unit >= SPACE) {
        i++;
      } else {
        // A control character, or the end of the text.
        return this.#fail('is not in a string', i);
      }
    }
  }

  /** Whatever else is not a value ends here. */
  #number(): number {
    const at = this.#at;
    const written = this.#match(NUMBER);
    if (written === undefined) return this.#fail('is not a value');
    const value = Number(written);
    if (this.#raw) return value;
    if (!Number.isFinite(value) || (/^-?\d+$/.test(written) && !Number.isSafeInteger(value))) {
      this.#fail('is a number that cannot be kept exactly', at);
    }
    return value;
  }

  #word(): true | false | null | undefined {
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    return undefined;
  }

  #took(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #skip(): void {
    this.#match(WHITESPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #fail(what: string, at = this.#at): never {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: `JSON: what stands at character ${at} ${what}` });
  }
}
