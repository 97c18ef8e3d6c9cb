import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addAccessCommands } from './commands/access-commands.ts';
import { addBenchCommand } from './commands/bench-command.ts';
import { addClusterCommand } from './commands/cluster-command.ts';
import { addCompletionCommand } from './commands/completion-command.ts';
import { addKeyCommands } from './commands/key-commands.ts';
import { addKeyspaceCommands } from './commands/keyspace-commands.ts';
import { addStatusCommand } from './commands/status-command.ts';
import { addWatchCommand } from './commands/watch-command.ts';
import { addTransferCommands } from './commands/transfer-commands.ts';
import type { Output } from './output.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

const EXIT_CODES = `
Ends with 0 when it is done, 1 refused, 2 wrong usage or input, 3 not found, 4 no access, 5 outcome unknown,
69 nobody answered, 75 nothing happened and the same may succeed later.

Address and token: --url and --token-file, else HOLDFAST_URL and HOLDFAST_TOKEN (HOLDFAST_TOKEN_FILE), else a profile
of ~/.config/holdfast/config.json, else http://127.0.0.1:7700 without a token.`;

/** The `holdfast` command; results go to `output`. */
export function createProgram(output: Output): Command {
  const program = new Command('holdfast')
    .description('Talks to a Holdfast cluster, over a gateway or straight to its nodes.')
    .version(version)
    .addHelpText('after', EXIT_CODES);
  addKeyCommands(program, output);
  addWatchCommand(program, output);
  addTransferCommands(program, output);
  addBenchCommand(program, output);
  addStatusCommand(program, output);
  addKeyspaceCommands(program, output);
  addAccessCommands(program, output);
  addClusterCommand(program, output);
  addCompletionCommand(program, output);
  throwInsteadOfExit(program);
  return program;
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const inner of command.commands) throwInsteadOfExit(inner);
}
