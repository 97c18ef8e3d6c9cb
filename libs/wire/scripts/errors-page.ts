import { ERROR_CODES, errorInfo } from '../src/errors.ts';

const GROUPS: readonly (readonly [hundreds: number, title: string])[] = [
  [1, 'The request is wrong and stays wrong'],
  [2, 'The data says no'],
  [3, 'Ask elsewhere (clients do it by themselves)'],
  [4, 'Not now'],
  [5, 'Who are you?'],
  [6, 'The two sides do not fit together'],
  [9, 'Our fault'],
];

const INTRODUCTION = `# Errors

Written from \`libs/wire/src/error-table.ts\` by \`UPDATE=1 npx vitest run libs/wire/src/errors.spec.ts\`; a test holds the two together.

Every failure is told with a code, over HTTP as a problem document (RFC 9457) with \`code\`, \`retryable\` and \`outcome\`:

- **retryable**: the same request may succeed when it is sent again.
- **outcome**: what the failed request did. \`not_applied\`: nothing. \`applied\`: it happened. \`unknown\`: it may have happened, or may still.
  The table shows what holds unless the answer says otherwise.

Sending again is safe when the error is retryable **and** the request is a read, or its outcome is \`not_applied\`, or it carries an idempotency key.
The number is what travels between nodes and clients; it is never changed and never used again.
`;

/** Text of `docs/errors.md`. */
export function errorsPage(): string {
  const out = [INTRODUCTION];
  for (const [hundreds, title] of GROUPS) {
    out.push(`## ${title}`, '');
    out.push(
      '| code | number | HTTP | retryable | outcome | title | meaning |',
      '| --- | --- | --- | --- | --- | --- | --- |',
    );
    for (const code of ERROR_CODES) {
      const { number, status, retryable, outcome, title: short, description } = errorInfo(code);
      if (Math.floor(number / 100) !== hundreds) continue;
      const cells = [
        `\`${code}\``,
        number,
        status,
        retryable ? 'yes' : 'no',
        `\`${outcome}\``,
        short,
        description,
      ];
      out.push(`| ${cells.join(' | ')} |`);
    }
    out.push('');
  }
  return out.join('\n');
}
