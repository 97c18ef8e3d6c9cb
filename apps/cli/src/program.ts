import { Command } from 'commander';
import { GATEWAY_URL_DEFAULT, ProblemError } from './gateway-http.ts';
import { addKeyCommands } from './key-commands.ts';
import type { Output } from './output.ts';
import { addStatusCommand } from './status-command.ts';

/** The gateway refused, and the same request may succeed when it is sent again. */
export const EXIT_RETRYABLE = 75;
export const EXIT_REFUSED = 1;
/** Nobody answered. */
export const EXIT_UNREACHABLE = 69;

/** The `holdfast` command; results go to `output`. */
export function createProgram(output: Output): Command {
  const program = new Command('holdfast')
    .description('Talks to a Holdfast cluster over HTTP.')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
  addKeyCommands(program, output);
  addStatusCommand(program, output);
  for (const command of program.commands) {
    command.option('--json', 'print one JSON object').exitOverride();
    if (command.name() === 'status') continue;
    const gateway = process.env['HOLDFAST_GATEWAY'] ?? GATEWAY_URL_DEFAULT;
    command.option('-g, --gateway <url>', 'address of the gateway', gateway);
  }
  return program;
}

/** How a failed command ends. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ProblemError) return error.problem.retryable === true ? EXIT_RETRYABLE : EXIT_REFUSED;
  return EXIT_UNREACHABLE;
}
