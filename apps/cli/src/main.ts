import { CommanderError } from 'commander';
import { ClusterError, EXIT, exitCodeOf } from './cluster-error.ts';
import { standardOutput } from './output.ts';
import { createProgram } from './program.ts';

// A reader that has seen enough, as in `holdfast scan | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.done);
});

try {
  await createProgram(standardOutput).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said what was wrong, or has printed the help that was asked for.
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  } else {
    const asJson = process.argv.includes('--json') && error instanceof ClusterError;
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(asJson ? `${JSON.stringify(error.problem)}\n` : `holdfast: ${text}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
