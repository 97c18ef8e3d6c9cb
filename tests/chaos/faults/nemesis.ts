import { pause } from '../deadline.ts';
import { beginFault, type EndFault, type FaultWorld } from './begin-fault.ts';
import type { PlannedFault } from './plan.ts';

/** Carries out a plan of faults. */
export class Nemesis {
  readonly #world: FaultWorld;
  readonly #note: (what: string) => void;
  /** How often each fault began. */
  readonly counts = new Map<string, number>();

  /** @param note told of every beginning and end. */
  constructor(world: FaultWorld, note: (what: string) => void) {
    this.#world = world;
    this.#note = note;
  }

  /** Resolves when every fault of the plan has ended. @throws what a fault throws. */
  async run(plan: readonly PlannedFault[]): Promise<void> {
    const startMs = performance.now();
    await Promise.all(
      plan.map(async (fault) => {
        await pause(fault.atMs - (performance.now() - startMs));
        await this.#carryOut(fault);
      }),
    );
  }

  async #carryOut(fault: PlannedFault): Promise<void> {
    const { name, durationMs, node } = fault;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.#note(`${name} (node ${node}, ${durationMs} ms)`);
    const beganMs = performance.now();
    const end: EndFault = await beginFault(fault, this.#world);
    await pause(durationMs - (performance.now() - beganMs));
    await end();
    if (durationMs > 0) this.#note(`${name} ends`);
  }
}
