/** Longest line, in characters: a value of 1 MiB as base64, and what stands around it. */
const LINE_LENGTH_MAX = 8 * 1024 * 1024;

/** The lines of a stream, without their ends; leaving the loop ends the stream. @throws Error for one that never ends. */
export async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of input) {
    const parts = decoder.decode(chunk, { stream: true }).split('\n');
    parts[0] = rest + (parts[0] ?? '');
    rest = parts.pop() ?? '';
    for (const line of parts) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    if (rest.length > LINE_LENGTH_MAX) throw new Error(`a line has more than ${LINE_LENGTH_MAX} characters`);
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
