import { encodeUtf8 } from '@holdfast/io';

/** Whether a stranger knows one of the tokens. No tokens: nobody is asked for one. */
export class TokenCheck {
  /** What this node says to the others; empty when there are no tokens. */
  readonly own: string;
  readonly #tokens: readonly Uint8Array[];

  constructor(tokens: readonly string[]) {
    this.own = tokens[0] ?? '';
    this.#tokens = tokens.map((token) => encodeUtf8(token) ?? new Uint8Array(0));
  }

  accepts(token: string): boolean {
    if (this.#tokens.length === 0) return true;
    const given = encodeUtf8(token);
    if (given === undefined || given.length === 0) return false;
    let known = false;
    for (const one of this.#tokens) if (equalInConstantTime(one, given)) known = true;
    return known;
  }
}

/** How long it takes tells the length of a token at most, never how much of it was right. */
function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
