import { type Buggify, neverBuggify, type Prng, randomChance, randomPick } from '@holdfast/io';
import type { Coverage } from '../checkers/violation.ts';

/** Share of the runs in which nothing happens before its time. */
const QUIET_CHANCE = 0.5;
/** Share of the points that are on in one of the others. */
const POINT_CHANCE = 0.4;
/** How often a point that is on says yes, one of these for each of them. */
const YES_CHANCES = [0.01, 0.1, 0.5];

/**
 * Answers the points of a run: as with faults, a run has only some of them, each with a frequency of its own. All are
 * quiet after the last heal, when progress is demanded.
 */
export class SwarmBuggify<Point extends string> {
  readonly #random: Prng;
  readonly #coverage: Coverage;
  readonly #chances = new Map<Point, number>();
  #healed = false;

  constructor(points: readonly Point[], random: Prng, coverage: Coverage) {
    this.#random = random;
    this.#coverage = coverage;
    const isQuiet = randomChance(random, QUIET_CHANCE);
    for (const point of isQuiet ? [] : points) {
      if (randomChance(random, POINT_CHANCE)) this.#chances.set(point, randomPick(random, YES_CHANCES));
    }
  }

  /** What is on, for the report of a failure. */
  get log(): readonly string[] {
    return Array.from(
      this.#chances,
      ([point, chance]) => `all along  ${point} in ${chance * 100} % of the cases`,
    );
  }

  /** For everything that runs in this world. */
  get ask(): Buggify<Point> {
    return this.#chances.size === 0 ? neverBuggify : (point) => this.#answer(point);
  }

  heal(): void {
    this.#healed = true;
  }

  #answer(point: Point): boolean {
    const chance = this.#healed ? undefined : this.#chances.get(point);
    if (chance === undefined || !randomChance(this.#random, chance)) return false;
    this.#coverage.hit(`buggify: ${point}`);
    return true;
  }
}
