import { styleText } from 'node:util';

const COLOURS = ['cyan', 'magenta', 'blue', 'green', 'yellow'] as const;
const LEVEL_COLOURS: Readonly<Record<string, 'red' | 'yellow' | 'gray'>> = {
  fatal: 'red',
  error: 'red',
  warn: 'yellow',
  debug: 'gray',
  trace: 'gray',
};

/** Prints the lines of several processes, each with the name of its process in front. */
export class LogPrinter {
  readonly #width: number;
  readonly #names: readonly string[];

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#width = Math.max(...names.map((name) => name.length));
  }

  print(name: string, line: string): void {
    const colour = COLOURS[this.#names.indexOf(name) % COLOURS.length] ?? 'cyan';
    console.log(`${styleText(colour, `${name.padEnd(this.#width)} |`)} ${readable(line)}`);
  }
}

/** A JSON log line as a person reads it; any other line as it is. */
export function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { level, time, msg, app: _app, err, ...rest } = fields;
  const details = Object.entries(rest).map(([name, value]) => `${name}=${textOf(value)}`);
  const stack = typeof err === 'object' && err !== null && 'stack' in err ? `\n${textOf(err.stack)}` : '';
  const text = [textOf(time).slice(11, 23), textOf(level).padEnd(5), textOf(msg), ...details].join(' ');
  const colour = LEVEL_COLOURS[textOf(level)];
  return (colour === undefined ? text : styleText(colour, text)) + stack;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
