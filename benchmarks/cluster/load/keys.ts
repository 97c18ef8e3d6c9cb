import { Prng } from '@holdfast/io';
import { KEY_BYTES, VALUE_BYTES } from '../workloads.ts';

/** The keys of a run: random letters, the same for every system, so that each of our ranges gets its share. */
export class Keys {
  /** As text, for protocols of text. */
  readonly names: readonly string[];
  readonly bytes: readonly Uint8Array[];

  constructor(count: number) {
    const random = new Prng(count);
    const names = new Set<string>();
    while (names.size < count) {
      let name = '';
      for (let i = 0; i < KEY_BYTES; i++) name += String.fromCharCode(97 + (random.nextU32() % 26));
      names.add(name);
    }
    this.names = [...names];
    this.bytes = this.names.map((name) => new Uint8Array(Buffer.from(name, 'latin1')));
  }

  get count(): number {
    return this.names.length;
  }
}

/** Bytes that do not compress to nothing; plain text, so that it may stand in JSON too. */
export const VALUE: Uint8Array = new Uint8Array(
  Buffer.from(
    Array.from({ length: VALUE_BYTES }, (_, i) => String.fromCharCode(33 + ((i * 7919) % 89))).join(''),
    'latin1',
  ),
);
