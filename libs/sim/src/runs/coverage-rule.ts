import type { WorldName } from './worlds.ts';

/**
 * What a batch must have seen at least once to count as a test. A name that is never hit means that a fault
 * does not fire or that a branch is not reached any more: the simulator has gone blind there.
 */
export const EXPECTED: Readonly<Record<WorldName, readonly string[]>> = {
  cluster: [
    'fault: asymmetric cut',
    'fault: bridge',
    'fault: clog',
    'fault: connections break',
    'fault: corrupt bytes',
    'fault: flaky links',
    'fault: isolate leader',
    'fault: kill',
    'fault: kill all',
    'fault: kill leader',
    'fault: partition',
    'fault: pause',
    'fault: pause leader',
    'fault: power off',
    'fault: power off all',
    'fault: power off leader',
    'fault: slow disk',
    'fault: slow process',
    'fault: sync fails',
    'fault: wall clock jumps',
    'fault: write fails',
    'disk: sync-error',
    'disk: write-error',
    'leader elected',
    'leader stepped down',
    'log suffix replaced',
    'node stopped at a disk error',
    'replica recovered',
    'unsynced log survived a crash',
  ],
  raft: [
    'configuration changed',
    'fault: add learner',
    'fault: asymmetric cut',
    'fault: bridge',
    'fault: change several',
    'fault: delay',
    'fault: demote voter',
    'fault: duplication',
    'fault: false alarm',
    'fault: isolate leader',
    'fault: kill all',
    'fault: loss',
    'fault: partition',
    'fault: pause leader',
    'fault: promote learner',
    'fault: remove voter',
    'fault: slow answers',
    'fault: transfer leadership',
    'joint configuration entered',
    'leader elected',
    'leader stepped down',
    'log suffix replaced',
    'snapshot installed',
    'unsynced log survived a crash',
  ],
};

/** Batches below this size are not judged by their coverage. */
export const COVERAGE_SEEDS_MIN = 200;
