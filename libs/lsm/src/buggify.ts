/**
 * Points of the engine at which a simulator makes rare and legal things happen (see `Buggify`).
 *
 * - `memtable-full`: a memtable counts as full before the next write.
 * - `segment-full`: a log goes on in a new segment although there is room.
 */
export const LSM_BUGGIFY_POINTS = ['memtable-full', 'segment-full'] as const;

export type LsmBuggifyPoint = (typeof LSM_BUGGIFY_POINTS)[number];
