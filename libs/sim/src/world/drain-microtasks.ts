import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';

/**
 * Runs every promise callback that is queued, and those they queue. Production code awaits its disk, so this
 * stands between two events of the simulation: virtual time never moves while code is running.
 *
 * V8's own checkpoint does it in nanoseconds, but only outside a promise callback and only where the engine
 * exposes it; a turn of the host's event loop (`setImmediate`) does the same in about a microsecond. Both
 * leave an empty queue, so a run is the same with either. This is the only place that touches the host's loop.
 */
export type Drain = () => void;

let known: Drain | undefined;

/** V8's checkpoint, or undefined where it cannot be had. */
export function engineDrain(): Drain | undefined {
  // Flags belong to the process: another thread may have changed them in between. Then the next caller has it.
  return (known ??= makeEngineDrain());
}

function makeEngineDrain(): Drain | undefined {
  try {
    setFlagsFromString('--allow-natives-syntax');
    const checkpoint = runInThisContext('() => %PerformMicrotaskCheckpoint()') as Drain;
    // Functions are compiled when they are first called: while the syntax is still allowed.
    checkpoint();
    setFlagsFromString('--no-allow-natives-syntax');
    return checkpoint;
  } catch {
    return undefined;
  }
}

/** Calls `task` in a fresh turn of the host's event loop, after everything that is queued now. */
export function hop(task: () => void): void {
  setImmediate(task);
}
