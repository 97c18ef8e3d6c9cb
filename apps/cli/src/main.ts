import { CommanderError } from 'commander';
import { ProblemError } from './gateway-http.ts';
import { standardOutput } from './output.ts';
import { createProgram, exitCodeOf } from './program.ts';

try {
  await createProgram(standardOutput).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said what was wrong, or has printed the help that was asked for.
    process.exitCode = error.exitCode;
  } else {
    const asJson = process.argv.includes('--json');
    const text =
      error instanceof Error ? error.message || String((error as { code?: unknown }).code) : String(error);
    process.stderr.write(
      asJson && error instanceof ProblemError ? `${JSON.stringify(error.problem)}\n` : `holdfast: ${text}\n`,
    );
    process.exitCode = exitCodeOf(error);
  }
}
