/** Where results go: standard output, unless a test listens. */
export interface Output {
  line(text: string): void;
  json(value: unknown): void;
  bytes(bytes: Uint8Array): void;
}

export const standardOutput: Output = {
  line: (text) => void process.stdout.write(`${text}\n`),
  json: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
  bytes: (bytes) => void process.stdout.write(bytes),
};
