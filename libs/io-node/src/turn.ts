/**
 * The end of a turn of this thread's event loop: the check phase, which follows the poll phase where sockets
 * and files report. Everything that closes a batch shares one `setImmediate`: first the deferred tasks, then
 * the flushes, so that what a deferred task writes to a socket leaves in the same turn.
 */
let tasks: (() => void)[] = [];
let flushes: (() => void)[] = [];
let planned = false;

/** Runs `task` once at the end of this turn. One that is deferred by a deferred task runs a turn later. */
export function deferToTurnEnd(task: () => void): void {
  tasks.push(task);
  plan();
}

/** Runs `flush` once at the end of this turn, behind all deferred tasks. */
export function flushAtTurnEnd(flush: () => void): void {
  flushes.push(flush);
  plan();
}

function plan(): void {
  if (planned) return;
  planned = true;
  setImmediate(endTurn);
}

function endTurn(): void {
  planned = false;
  const now = tasks;
  tasks = [];
  runAll(now, (rest) => (tasks = rest.concat(tasks)));
  const writes = flushes;
  flushes = [];
  runAll(writes, (rest) => (flushes = rest.concat(flushes)));
}

/** A throwing task must not take the others with it: they run in the next turn, should the process live. */
function runAll(list: readonly (() => void)[], putBack: (rest: (() => void)[]) => void): void {
  let done = 0;
  try {
    for (const task of list) {
      done++;
      task();
    }
  } finally {
    if (done < list.length) {
      putBack(list.slice(done));
      plan();
    }
  }
}
