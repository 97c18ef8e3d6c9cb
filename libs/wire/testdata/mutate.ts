import { concatBytes, copyBytes, type Random, randomInteger, randomPick } from '@holdfast/io';

/** Numbers at which arithmetic on lengths and offsets goes wrong. */
const HOSTILE = [0, 1, 3, 4, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x1f_ffff, 0x20_0000];
const HOSTILE_U32 = [...HOSTILE, 0x7fff_ffff, 0x8000_0000, 0xffff_fffc, 0xffff_ffff];

/** `bytes` with one to three things wrong with it; `others` lend pieces. */
export function mutate(random: Random, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  let mutant = copyBytes(bytes);
  for (let changes = randomInteger(random, 1, 3); changes > 0; changes--) {
    if (mutant.length < 8) return mutant;
    const at = randomInteger(random, 0, mutant.length - 1);
    const view = new DataView(mutant.buffer, mutant.byteOffset, mutant.byteLength);
    const at4 = Math.min(at, mutant.length - 4);
    switch (randomInteger(random, 0, 7)) {
      case 0:
        mutant[at] ^= 1 << randomInteger(random, 0, 7);
        break;
      case 1:
        mutant[at] = randomInteger(random, 0, 255);
        break;
      case 2:
        view.setUint32(at4, randomPick(random, HOSTILE_U32), true);
        break;
      case 3:
        view.setUint16(at4, randomPick(random, HOSTILE), true);
        break;
      case 4:
        // A length or an offset that is off by a little.
        view.setUint32(at4, view.getUint32(at4, true) + randomInteger(random, -9, 9), true);
        break;
      case 5:
        mutant = mutant.slice(0, at);
        break;
      case 6:
        mutant = concatBytes([mutant.subarray(0, at), mutant.subarray(randomInteger(random, 0, mutant.length - 1))]);
        break;
      default: {
        const donor = randomPick(random, others);
        const from = randomInteger(random, 0, donor.length - 1);
        const piece = donor.subarray(from, Math.min(donor.length, from + mutant.length - at, from + 64));
        mutant.set(piece, at);
      }
    }
  }
  return mutant;
}
