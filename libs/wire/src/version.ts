/**
 * Protocol versions this build speaks. A change of `schema/*.fbs` that alters what peers read is a new version,
 * and `schema-hash.spec.ts` fails until it is written down. See docs/formats/frame.md, "Evolution".
 */
export const PROTOCOL_VERSION_MIN = 1;
export const PROTOCOL_VERSION_MAX = 1;

/** The highest version that both sides speak, or undefined. */
export function commonVersion(
  ourMin: number,
  ourMax: number,
  theirMin: number,
  theirMax: number,
): number | undefined {
  const version = Math.min(ourMax, theirMax);
  return version >= Math.max(ourMin, theirMin) ? version : undefined;
}
