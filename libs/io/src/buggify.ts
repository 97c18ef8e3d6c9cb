/**
 * Asks whether something rare and legal is to happen at this point of the code, now: a message with a single entry, a
 * flush before its time, an answer that is never sent. A simulator says yes now and then, so that what takes a busy
 * week elsewhere happens in every run; production never does. After BUGGIFY of FoundationDB (Zhou et al., "FoundationDB:
 * A Distributed Unbundled Transactional Key Value Store", SIGMOD 2021, section 4.2).
 *
 * What happens at a point must be something that the code around it has to bear anyway: a point is no planted bug.
 */
export type Buggify<Point extends string> = (point: Point) => boolean;

/** Of production: nothing happens before its time. */
export const neverBuggify: Buggify<string> = () => false;
