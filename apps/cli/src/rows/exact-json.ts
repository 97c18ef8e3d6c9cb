/** What the runtime has and the type library does not describe yet (ECMAScript 2026, JSON source text access). */
const json = JSON as unknown as {
  parse(
    text: string,
    revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
};

/** As `JSON.parse`, but a number that a double cannot hold keeps its digits when it is written again. */
export function parseExactJson(text: string): unknown {
  return json.parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined || String(value) === source) return value;
    return json.rawJSON(source);
  });
}
