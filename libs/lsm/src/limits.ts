/** Bytes in a key: 1 .. this. */
export const KEY_BYTES_MAX = 65_535;
/** Bytes in a value. */
export const VALUE_BYTES_MAX = 2 ** 28;
/** Bytes of one batch, heads included. */
export const BATCH_BYTES_MAX = 2 ** 30;
/** Bytes of one group's mark. */
export const MARK_BYTES_MAX = 4_096;
/** The greatest revision; reading at it means reading the newest. */
export const REVISION_MAX: number = Number.MAX_SAFE_INTEGER;
/** Levels of a version, level 0 included. */
export const LEVEL_COUNT = 7;
