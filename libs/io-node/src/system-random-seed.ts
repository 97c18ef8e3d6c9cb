import { randomBytes } from 'node:crypto';

/** A seed for `Prng` from the operating system: an unpredictable integer of 53 bits. */
export function systemRandomSeed(): number {
  const bytes = randomBytes(8);
  return bytes.readUInt32LE(0) + (bytes.readUInt32LE(4) >>> 11) * 2 ** 32;
}
