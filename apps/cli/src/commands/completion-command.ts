import { Argument, type Command } from 'commander';
import type { Output } from '../output.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** `completion`: what a shell needs to complete the command line, made from the commands themselves. */
export function addCompletionCommand(program: Command, output: Output): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell').choices([...SHELLS]))
    .description('print a script that completes commands and options')
    .addHelpText(
      'after',
      '\nbash: source <(holdfast completion bash)\nzsh:  holdfast completion zsh > "${fpath[1]}/_holdfast"\nfish: holdfast completion fish > ~/.config/fish/completions/holdfast.fish',
    )
    .action((shell: Shell) => output.line(completionScript(program, shell)));
}

interface Level {
  /** `''`, `get`, `api-key create`. */
  readonly path: string;
  readonly words: readonly string[];
}

export function completionScript(program: Command, shell: Shell): string {
  const levels = levelsOf(program, '');
  switch (shell) {
    case 'bash':
      return bashScript(levels);
    case 'zsh':
      return `#compdef holdfast\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(levels)}`;
    case 'fish':
      return fishScript(levels);
  }
}

/** Every command with what may follow it. */
function levelsOf(command: Command, path: string): Level[] {
  const options = command.options.flatMap(({ short, long }) =>
    [short, long].filter((name) => name !== undefined),
  );
  const level = { path, words: [...command.commands.map((inner) => inner.name()), ...options, '--help'] };
  const inner = command.commands.flatMap((sub) =>
    levelsOf(sub, path === '' ? sub.name() : `${path} ${sub.name()}`),
  );
  return [level, ...inner];
}

function bashScript(levels: readonly Level[]): string {
  const cases = levels.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`).join('\n');
  const paths = levels.map(({ path }) => path).filter((path) => path !== '');
  return `_holdfast() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' words='' word candidate
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    candidate="\${path:+$path }$word"
    case "|${paths.join('|')}|" in *"|$candidate|"*) path="$candidate" ;; esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  # Whatever is no command and no option may be a file.
  if [ \${#COMPREPLY[@]} -eq 0 ] && [ "\${current:0:1}" != - ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F _holdfast holdfast`;
}

function fishScript(levels: readonly Level[]): string {
  const lines = levels.flatMap(({ path, words }) => {
    const condition =
      path === ''
        ? '__fish_use_subcommand'
        : path
            .split(' ')
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join('; and ');
    return words.map((word) => {
      const what = word.startsWith('--')
        ? `-l ${word.slice(2)}`
        : word.startsWith('-')
          ? `-s ${word.slice(1)}`
          : `-f -a ${word}`;
      return `complete -c holdfast -n '${condition}' ${what}`;
    });
  });
  return lines.join('\n');
}
