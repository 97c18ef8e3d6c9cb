import { FileDisk, nodeKernels } from '@holdfast/io-node';
import { nodeCodecs } from '@holdfast/lsm-node';
import { CommanderError } from 'commander';
import { createProgram, EXIT_UNUSABLE, exitCodeOf } from './program.ts';

const world = { disk: new FileDisk(), kernels: nodeKernels, codecs: nodeCodecs };

try {
  await createProgram({
    world,
    print: (text) => void process.stdout.write(`${text}\n`),
    exitWith: (code) => (process.exitCode = code),
  }).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said what was wrong, or has printed the help that was asked for.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_UNUSABLE;
  } else {
    process.stderr.write(`holdfast-lsm: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
