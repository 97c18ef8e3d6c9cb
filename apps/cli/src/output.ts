/** Where a command writes: results to standard output, everything else to standard error. A test may listen. */
export interface Output {
  line(text: string): void;
  json(value: unknown): void;
  bytes(bytes: Uint8Array): void;
  /** For people, beside the results. */
  note(text: string): void;
  /** Progress can be drawn over itself. */
  readonly interactive: boolean;
}

export const standardOutput: Output = {
  line: (text) => void process.stdout.write(`${text}\n`),
  json: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
  bytes: (bytes) => void process.stdout.write(bytes),
  note: (text) => void process.stderr.write(`${text}\n`),
  interactive: process.stderr.isTTY,
};
