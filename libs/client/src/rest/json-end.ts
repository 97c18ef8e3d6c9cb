/** Where the JSON value ends that begins at `start`, without reading it; the end of the text when it does not end. */
export function jsonEnd(text: string, start: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') {
        quoted = false;
        if (depth === 0) return at + 1;
      }
    } else if (char === '"') {
      quoted = true;
    } else if (char === '{' || char === '[') {
      depth++;
    } else if (char === '}' || char === ']') {
      // That of what is around a number or a word.
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (char === ',' && depth === 0) {
      return at;
    }
  }
  return text.length;
}
